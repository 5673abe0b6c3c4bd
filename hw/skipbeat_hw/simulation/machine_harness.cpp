// Runs a machine against a memory, clock by clock, without leaving C++. Follows words.hpp in one compilation unit.
#include <deque>
#include <vector>

#include "Vtop.h"

// Mirrors machine_driver.py.
struct MachineRequest {
    uint8_t* memory;
    int64_t bytes, beat, latency, max_clocks;  // beat: bytes
    uint32_t address, count;
    int32_t stall_percent;  // of the clocks in which each channel of the memory is unwilling
    uint32_t seed;
    int64_t reset_at;  // < 0: never; the run then starts over from its beginning
    int64_t* stored;   // [stored_room]: clocks of stored_o
    int64_t stored_room;
    int32_t duplex;    // the memory serves reads and writes apart
    int32_t mutant;    // the planted fault that is switched on, in a design that has some; 0: none
    int32_t keep;      // the run begins without a reset, in the state that the last run left
};

struct MachineOutcome {
    int64_t cycles, reads, writes;
    int64_t counters[64];  // as the counts_o port holds them, COUNTERS of them
    int64_t stored;  // pulses of stored_o
    int64_t violations;  // of the bus's rules by the machine
    int32_t error, done, busy;
};

namespace {

constexpr int WORDS = 32;  // of a beat, at most

struct Burst {
    bool is_read;
    int64_t address, beats, ready_at;
};

struct Dice {
    uint32_t state;
    int32_t percent;
    bool unwilling() {
        if (!percent) return false;
        state = state * 1664525u + 1013904223u;
        return static_cast<int32_t>((state >> 16) % 100) < percent;
    }
};

// What a master offers on a channel: if it was not taken, it must be the same in the next clock.
struct Offer {
    bool waits = false;
    uint32_t words[WORDS + 2] = {};

    bool broken_by(const Offer& next) const {
        return waits && std::memcmp(words, next.words, sizeof words) != 0;
    }
};

// The rules of the bus that the machine's outputs must keep, and those of docs/machine.md.
struct Rules {
    int64_t beat;
    Offer offers[3] = {};

    // `burst_wrong`: of a burst that is offered, size, kind, alignment, or that it crosses 4 KiB.
    bool burst_wrong(uint32_t address, uint32_t length, uint32_t size, uint32_t kind) const {
        return (1 << size) != beat || kind != 1 || address % beat || address % 4096 + (length + 1) * beat > 4096;
    }

    int64_t check(Vtop& top, bool last_beat) {
        Offer now[3];
        int64_t wrong = !top.read___05Frready + !top.write___05Fbready;
        if (top.read___05Farvalid) {
            now[0] = {!top.read___05Farready, {1, top.read___05Faraddr, top.read___05Farlen}};
            wrong += burst_wrong(top.read___05Faraddr, top.read___05Farlen, top.read___05Farsize, top.read___05Farburst);
        }
        if (top.write___05Fawvalid) {
            now[1] = {!top.write___05Fawready, {1, top.write___05Fawaddr, top.write___05Fawlen}};
            wrong += burst_wrong(
                top.write___05Fawaddr, top.write___05Fawlen, top.write___05Fawsize, top.write___05Fawburst);
        }
        if (top.write___05Fwvalid) {
            now[2] = {!top.write___05Fwready, {1, top.write___05Fwlast}};
            get(top.write___05Fwdata, now[2].words + 2);
            wrong += !all_bytes(top.write___05Fwstrb);
            if (top.write___05Fwready) wrong += bool(top.write___05Fwlast) != last_beat;
        }
        for (int i = 0; i < 3; ++i) {
            wrong += offers[i].broken_by(now[i]);
            offers[i] = now[i];
        }
        return wrong;
    }

    template <class Strobe>
    bool all_bytes(const Strobe& strobe) const {
        uint32_t words[WORDS] = {};
        get(strobe, words);
        for (int64_t i = 0; i < beat; ++i)
            if (!(words[i / 32] >> (i % 32) & 1)) return false;
        return true;
    }
};

// One memory behind both masters: bursts are served whole, in the order in which their addresses came (of two in one
// clock the read first), a beat per clock; the first beat of a read comes `latency` clocks after its address. A duplex
// memory serves writes as if there were no reads, and reads as if there were no writes.
struct Memory {
    const MachineRequest& request;
    Vtop& top;
    Dice dice;
    std::deque<Burst> queues[2];
    bool answer = false, answer_failed = false, read_offered = false;

    bool outside(const Burst& burst) const {
        return burst.address < 0 || burst.address + request.beat > request.bytes;
    }

    std::deque<Burst>& queue(bool is_read) { return queues[request.duplex && !is_read]; }

    // The burst that is served next, or one without beats if it is of the other kind or there is none.
    Burst head_of(bool is_read) {
        const auto& bursts = queue(is_read);
        return !bursts.empty() && bursts.front().is_read == is_read ? bursts.front() : Burst{};
    }

    void drive(int64_t clock) {
        const Burst head = head_of(true);
        const bool reading = head.beats && clock >= head.ready_at && (read_offered || !dice.unwilling());
        read_offered = reading;
        top.read___05Farready = !dice.unwilling();
        top.write___05Fawready = !dice.unwilling();
        top.write___05Fwready = head_of(false).beats && !dice.unwilling();
        top.write___05Fbvalid = answer;
        top.write___05Fbresp = answer_failed ? 2 : 0;
        top.read___05Frvalid = reading;
        top.read___05Frlast = reading && head.beats == 1;
        top.read___05Frresp = reading && outside(head) ? 2 : 0;
        uint32_t words[WORDS] = {};
        if (reading && !outside(head)) std::memcpy(words, request.memory + head.address, request.beat);
        put(top.read___05Frdata, words);
    }

    void after(int64_t clock, MachineOutcome& outcome) {
        if (answer && top.write___05Fbready) answer = answer_failed = false;
        if (top.read___05Frvalid && top.read___05Frready) {
            ++outcome.reads;
            read_offered = false;
            advance(true);
        }
        if (top.write___05Fwready && top.write___05Fwvalid) {
            const Burst head = head_of(false);
            uint32_t words[WORDS];
            get(top.write___05Fwdata, words);
            if (outside(head)) answer_failed = true;
            else std::memcpy(request.memory + head.address, words, request.beat);
            ++outcome.writes;
            if (head.beats == 1) answer = true;
            advance(false);
        }
        if (top.stored_o) {
            if (outcome.stored < request.stored_room) request.stored[outcome.stored] = clock;
            ++outcome.stored;
        }
        const int64_t delay = request.latency > 1 ? request.latency : 1;
        if (top.read___05Farvalid && top.read___05Farready)
            queue(true).push_back({true, top.read___05Faraddr, top.read___05Farlen + 1, clock + delay});
        if (top.write___05Fawvalid && top.write___05Fawready)
            queue(false).push_back({false, top.write___05Fawaddr, top.write___05Fawlen + 1, clock});
    }

    void advance(bool is_read) {
        auto& bursts = queue(is_read);
        Burst& head = bursts.front();
        head.address += request.beat;
        if (--head.beats == 0) bursts.pop_front();
    }
};

int64_t field(const uint32_t* words, int bit) {
    uint64_t value = 0;
    for (int i = 0; i < COUNTER_BITS; ++i, ++bit) value |= uint64_t(words[bit / 32] >> (bit % 32) & 1) << i;
    return static_cast<int64_t>(value);
}

template <class Top>
void choose(Top& top, int32_t mutant) {
    if constexpr (requires { top.mutant; }) top.mutant = mutant;
}

void clock_edge(Vtop& top) {
    top.clk = 1;
    top.eval();
    top.clk = 0;
}

}  // namespace

extern "C" {

void* machine_new() { return new Vtop; }
void machine_delete(void* handle) { delete static_cast<Vtop*>(handle); }

// Clock 0 is the clock of the start pulse; the run ends with the first clock in which busy is 0 again.
void machine_run(void* handle, const MachineRequest* request, MachineOutcome* outcome) {
    Vtop& top = *static_cast<Vtop*>(handle);
    int64_t reset_at = request->reset_at;
    bool again = false;
start:
    *outcome = {};
    Memory memory{*request, top, {request->seed, request->stall_percent}};
    Rules rules{request->beat};
    top.clk = 0;
    top.rst = !request->keep || again;
    top.start_i = 0;
    choose(top, request->mutant);
    memory.drive(0);
    top.eval();
    clock_edge(top);
    top.rst = 0;
    for (int64_t clock = 0; clock < request->max_clocks; ++clock) {
        top.start_i = clock == 0;
        top.address_i = request->address;
        top.count_i = request->count;
        memory.drive(clock);
        top.eval();
        outcome->cycles = clock;
        outcome->busy = top.busy_o;
        if (clock > 1 && !top.busy_o) break;
        if (clock == reset_at) {
            reset_at = -1;
            again = true;
            goto start;
        }
        outcome->violations += rules.check(top, memory.head_of(false).beats == 1);
        memory.after(clock, *outcome);
        clock_edge(top);
    }
    uint32_t counts[(COUNTERS * COUNTER_BITS + 31) / 32];
    get(top.counts_o, counts);
    for (int i = 0; i < COUNTERS; ++i) outcome->counters[i] = field(counts, i * COUNTER_BITS);
    outcome->error = top.error_o;
    outcome->done = top.done_o;
}
}
