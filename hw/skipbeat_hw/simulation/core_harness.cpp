// Runs a core from a stimulus, clock by clock, without leaving C++. Follows words.hpp in one compilation unit.
#include <vector>

#include "Vtop.h"

// What is offered at an input stream. Mirrors driver.py.
struct Source {
    const uint32_t* items;  // [count][words]
    const uint32_t* idle;   // [words]: the payload while nothing is offered
    int64_t count, words;
    const uint8_t* willing;  // [period]
    int64_t period;
};

struct Run {
    Source commands, weights, activations;
    const uint8_t* ready;  // [ready_period]: clocks in which results are taken
    int64_t ready_period;
    int64_t results;    // to collect; 0: run on
    int64_t max_clocks;
    int64_t reset_at;   // < 0: never
    int32_t columns, accumulator_bits, trace;
};

struct Outcome {
    int64_t items, cycles, clocks_run, trace_clocks;
    int32_t error, finished;
};

namespace {

struct Offer {
    const Source& source;
    int64_t next = 0;
    bool offered = false;

    template <class Payload>
    void apply(int64_t clock, CData& valid, Payload& payload) {
        if (!offered && next < source.count && source.willing[clock % source.period]) {
            offered = true;
            put(payload, source.items + next * source.words);
        }
        valid = offered;
    }

    // After the clock: an item that was taken is offered no longer.
    template <class Payload>
    void taken(bool ready, Payload& payload) {
        if (offered && ready) {
            offered = false;
            ++next;
            put(payload, source.idle);
        }
    }
};

int64_t column(const uint32_t* words, int column, int bits) {
    uint64_t value = 0;
    const int start = column * bits;
    for (int got = 0; got < bits;) {
        const int bit = start + got, take = 32 - bit % 32;
        value |= static_cast<uint64_t>(words[bit / 32] >> (bit % 32)) << got;
        got += take;
    }
    return static_cast<int64_t>(value << (64 - bits)) >> (64 - bits);
}

class Core {
public:
    std::vector<int64_t> results, result_clocks;
    std::vector<uint8_t> trace;

    void run(const Run& run, Outcome& out) {
        out = {};
        if (run.reset_at >= 0) {
            reset(run);
            episode(run, run.reset_at, false, out);
            ++out.clocks_run;
        }
        reset(run);
        episode(run, run.max_clocks, true, out);
        ++out.clocks_run;
        out.items = static_cast<int64_t>(result_clocks.size());
        out.trace_clocks = static_cast<int64_t>(trace.size() / 8);
    }

private:
    VerilatedContext context;
    Vtop top{&context};

    void rise() {
        top.clk = 1;
        top.eval();
    }

    void reset(const Run& run) {
        results.clear();
        result_clocks.clear();
        trace.clear();
        top.clk = 0;
        top.rst = 1;
        top.commands___05Fvalid = top.weights___05Fvalid = top.activations___05Fvalid = top.results___05Fready = 0;
        put(top.commands___05Fpayload, run.commands.idle);
        put(top.weights___05Fpayload, run.weights.idle);
        put(top.activations___05Fpayload, run.activations.idle);
        top.eval();
        rise();
        top.rst = 0;
    }

    void record(const Run& run, int64_t clock) {
        uint32_t words[(sizeof(top.results___05Fpayload) + 3) / 4];
        get(top.results___05Fpayload, words);
        for (int c = 0; c < run.columns; ++c) results.push_back(column(words, c, run.accumulator_bits));
        result_clocks.push_back(clock);
    }

    void note() {
        trace.insert(trace.end(), {
            top.commands___05Fvalid, top.commands___05Fready, top.weights___05Fvalid, top.weights___05Fready,
            top.activations___05Fvalid, top.activations___05Fready, top.results___05Fvalid, top.results___05Fready});
    }

    // `clocks` clocks; `ends`: earlier when all results are collected or an error is seen.
    void episode(const Run& run, int64_t clocks, bool ends, Outcome& out) {
        Offer commands{run.commands}, weights{run.weights}, activations{run.activations};
        out.cycles = clocks;
        for (int64_t clock = 0; clock < clocks; ++clock) {
            top.clk = 0;
            commands.apply(clock, top.commands___05Fvalid, top.commands___05Fpayload);
            weights.apply(clock, top.weights___05Fvalid, top.weights___05Fpayload);
            activations.apply(clock, top.activations___05Fvalid, top.activations___05Fpayload);
            top.results___05Fready = run.ready[clock % run.ready_period];
            top.eval();
            ++out.clocks_run;
            if (run.trace) note();
            if (top.results___05Fvalid && top.results___05Fready) record(run, clock);
            out.error = top.error;
            out.finished = run.results && static_cast<int64_t>(result_clocks.size()) == run.results && !out.error;
            if (ends && (out.finished || out.error)) {
                out.cycles = clock + 1;
                return;
            }
            const bool ready[] = {top.commands___05Fready != 0, top.weights___05Fready != 0,
                                  top.activations___05Fready != 0};
            rise();
            commands.taken(ready[0], top.commands___05Fpayload);
            weights.taken(ready[1], top.weights___05Fpayload);
            activations.taken(ready[2], top.activations___05Fpayload);
        }
    }
};

}  // namespace

extern "C" {
void* core_new() { return new Core; }
void core_delete(void* core) { delete static_cast<Core*>(core); }
void core_run(void* core, const Run* run, Outcome* out) { static_cast<Core*>(core)->run(*run, *out); }

void core_copy(void* handle, int64_t* results, int64_t* clocks, uint8_t* trace) {
    const Core& core = *static_cast<Core*>(handle);
    std::memcpy(results, core.results.data(), core.results.size() * sizeof(int64_t));
    std::memcpy(clocks, core.result_clocks.data(), core.result_clocks.size() * sizeof(int64_t));
    std::memcpy(trace, core.trace.data(), core.trace.size());
}
}
