// Runs a machine against a memory, clock by clock, without leaving C++. Follows machine_rules.hpp in one compilation
// unit.
#include <array>
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
    int32_t order;     // an `Order`
    int32_t address_bits;
    uint64_t page;     // the program's base on the bus, in pages of 4 KiB
    uint32_t first;    // address of the memory's first byte, from the base on
    int32_t uncounted; // the counters are not read: the next run may begin in the clock after this one
    int64_t abort_at;  // < 0: never
    MachineActivity activity;
};

struct MachineOutcome {
    int64_t cycles, reads, writes;
    int64_t counters[64];  // COUNTERS of them
    int64_t stored;  // pulses of stored_o
    int64_t violations;  // of the bus's rules by the machine
    int32_t error, done, busy;
    int64_t bits, clips;  // of bytes that were noted; 0 in a machine that notes none
};

namespace {

// What the memory waits for before it takes a write's address or data. Mirrors WriteOrder of machine_driver.py.
enum Order { ADDRESS_THEN_DATA, ADDRESS_WITH_DATA, ADDRESS_AFTER_DATA, BOTH_AT_ONCE, EITHER };

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

// One memory behind both masters: bursts are served whole, in the order in which their addresses came (of two in one
// clock the read first), a beat per clock; the first beat of a read comes `latency` clocks after its address. A duplex
// memory serves writes as if there were no reads, and reads as if there were no writes. In another `Order` than the
// first, data may come before its address, and answers come when the memory likes.
struct Memory {
    const MachineRequest& request;
    Vtop& top;
    Dice dice;
    std::deque<Burst> queues[2];
    std::deque<std::array<uint32_t, WORDS>> taken;  // beats that are not in memory yet
    std::deque<bool> answers;                       // whether the burst failed
    bool failed = false, read_offered = false;
    int64_t owed = 0, whole = 0;  // beats without data less beats without address; bursts with all data, without address

    bool outside(const Burst& burst) const {
        return burst.address < 0 || burst.address + request.beat > request.bytes;
    }

    // Where a burst begins in the memory, or far outside.
    int64_t place(uint64_t address) const {
        return static_cast<int64_t>((address - (request.page << 12) - request.first) & ~uint64_t(0) >> (64 - request.address_bits));
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
        top.write___05Fawready = !dice.unwilling() && takes_address();
        top.write___05Fwready = takes_data() && !dice.unwilling();
        top.write___05Fbvalid = !answers.empty() && (request.order == ADDRESS_THEN_DATA || !dice.unwilling());
        top.write___05Fbresp = top.write___05Fbvalid && answers.front() ? 2 : 0;
        top.read___05Frvalid = reading;
        top.read___05Frlast = reading && head.beats == 1;
        top.read___05Frresp = reading && outside(head) ? 2 : 0;
        uint32_t words[WORDS] = {};
        if (reading && !outside(head)) std::memcpy(words, request.memory + head.address, request.beat);
        put(top.read___05Frdata, words);
    }

    // The machine's valids follow from registers, so they are those of this clock already.
    bool takes_address() const {
        switch (request.order) {
            case ADDRESS_WITH_DATA: return top.write___05Fwvalid;
            case BOTH_AT_ONCE: return top.write___05Fawvalid && top.write___05Fwvalid;
            case ADDRESS_AFTER_DATA: return whole > 0;
            default: return true;
        }
    }

    bool takes_data() {
        switch (request.order) {
            case ADDRESS_THEN_DATA: return head_of(false).beats;
            case ADDRESS_WITH_DATA: return owed > 0;
            case BOTH_AT_ONCE: return owed > 0 || top.write___05Fawready;
            default: return true;
        }
    }

    void after(int64_t clock, MachineOutcome& outcome) {
        if (top.write___05Fbvalid && top.write___05Fbready) answers.pop_front();
        if (top.read___05Frvalid && top.read___05Frready) {
            ++outcome.reads;
            read_offered = false;
            advance(true);
        }
        if (top.write___05Fwready && top.write___05Fwvalid) {
            get(top.write___05Fwdata, taken.emplace_back().data());
            ++outcome.writes;
            --owed;
            whole += top.write___05Fwlast;
        }
        while (!taken.empty() && head_of(false).beats) write();
        if (top.stored_o) {
            if (outcome.stored < request.stored_room) request.stored[outcome.stored] = clock;
            ++outcome.stored;
        }
        const int64_t delay = request.latency > 1 ? request.latency : 1;
        if (top.read___05Farvalid && top.read___05Farready)
            queue(true).push_back({true, place(top.read___05Faraddr), top.read___05Farlen + 1, clock + delay});
        if (top.write___05Fawvalid && top.write___05Fawready) {
            queue(false).push_back({false, place(top.write___05Fawaddr), top.write___05Fawlen + 1, clock});
            owed += top.write___05Fawlen + 1;
            --whole;
        }
    }

    // The oldest beat goes to the oldest burst.
    void write() {
        const Burst head = head_of(false);
        if (outside(head)) failed = true;
        else std::memcpy(request.memory + head.address, taken.front().data(), request.beat);
        taken.pop_front();
        if (head.beats == 1) {
            answers.push_back(failed);
            failed = false;
        }
        advance(false);
    }

    void advance(bool is_read) {
        auto& bursts = queue(is_read);
        Burst& head = bursts.front();
        head.address += request.beat;
        if (--head.beats == 0) bursts.pop_front();
    }
};

template <class Top>
void choose(Top& top, int32_t mutant) {
    if constexpr (requires { top.mutant; }) top.mutant = mutant;
}

template <class Top>
void note(const Top& top, MachineOutcome& outcome) {
    if constexpr (requires { top.bits_o; }) {
        outcome.bits = top.bits_o;
        outcome.clips = top.clips_o;
    }
}

void clock_edge(Vtop& top, Activity* activity = nullptr, int64_t clock = 0) {
    top.clk = 1;
    top.eval();
    if (activity) activity->sample(clock, true);
    top.clk = 0;
}

}  // namespace

extern "C" {

// Each machine has a context of its own: a trace would be of all models of a context.
void* machine_new() {
    auto* context = new VerilatedContext;
    context->traceEverOn(VM_TRACE);
    return new Vtop{context, "TOP"};
}

void machine_delete(void* handle) {
    auto* top = static_cast<Vtop*>(handle);
    auto* context = top->contextp();
    delete top;
    delete context;
}

// Clock 0 is the clock of the start pulse; the run ends with the first clock in which busy is 0 again.
void machine_run(void* handle, const MachineRequest* request, MachineOutcome* outcome) {
    Vtop& top = *static_cast<Vtop*>(handle);
    int64_t reset_at = request->reset_at;
    bool again = false;
    Activity activity{request->activity, top};
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
        // Each input is there only as long as the machine says that it must be.
        top.start_i = clock == 0;
        top.page_i = clock == 0 ? request->page : 0;
        top.address_i = clock < 2 ? request->address : 0;
        top.count_i = clock < 2 ? request->count : 0;
        top.abort_i = clock == request->abort_at;
        // A counter that is asked for is counted up at once: another one all the time.
        top.counter_i = clock / READ_CLOCKS % COUNTERS;
        memory.drive(clock);
        top.eval();
        activity.sample(clock, false);
        outcome->cycles = clock;
        outcome->busy = top.busy_o;
        if (clock > 1 && !top.busy_o) break;
        if (clock == reset_at) {
            reset_at = -1;
            again = true;
            goto start;
        }
        outcome->violations += rules.check(top);
        memory.after(clock, *outcome);
        clock_edge(top, &activity, clock);
    }
    top.start_i = top.abort_i = 0;
    for (int i = 0; i < (request->uncounted ? 0 : COUNTERS); ++i) {
        top.counter_i = i;
        for (int clock = 0; clock < READ_CLOCKS; ++clock) {
            top.eval();
            clock_edge(top);
        }
        outcome->counters[i] = top.count_o;
    }
    outcome->error = top.error_o;
    outcome->done = top.done_o;
    note(top, *outcome);
}
}
