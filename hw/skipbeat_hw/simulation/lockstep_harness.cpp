// Applies a table of input values clock by clock and writes down every output. Follows words.hpp and the macros
// INPUTS(X) and OUTPUTS(X), which name the ports in the order of the tables' columns, CLOCK(X) and RESET(X).
#include "Vtop.h"

// An input stream whose items stay offered until they are taken. Mirrors lockstep.py.
struct Held {
    const uint32_t* items;  // [count][words]
    int64_t count, words;
    const uint8_t* willing;  // [period]
    int64_t period;
    int64_t payload, valid;  // columns of the inputs; payload < 0: the stream has none
    int64_t ready;           // column of the outputs
};

namespace {

struct Offer {
    int64_t next = 0;
    bool offered = false;

    void apply(const Held& stream, int64_t clock, uint32_t* row) {
        if (next < stream.count && stream.willing[clock % stream.period]) offered = true;
        row[stream.valid] = offered;
        if (stream.payload < 0) return;
        const size_t size = stream.words * sizeof(uint32_t);
        if (offered) {
            std::memcpy(row + stream.payload, stream.items + next * stream.words, size);
        } else {
            std::memset(row + stream.payload, 0, size);
        }
    }

    void after(const Held& stream, const uint32_t* row) {
        if (offered && row[stream.ready]) {
            offered = false;
            ++next;
        }
    }
};

}  // namespace

#define WORDS(port) (static_cast<int64_t>(sizeof(top.port) + 3) / 4)
#define PUT(port) put(top.port, row), row += WORDS(port);
#define GET(port) get(top.port, out), out += WORDS(port);
#define LOW(port) top.port = 0;
#define HIGH(port) top.port = 1;

// `inputs` is [clocks][input words] and receives what the streams offered; `outputs` is [clocks][output words].
extern "C" void lockstep(int64_t clocks, uint32_t* inputs, uint32_t* outputs, const Held* streams, int64_t count) {
    VerilatedContext context;
    Vtop top{&context};
    Offer offers[16];
    CLOCK(LOW)
    RESET(HIGH)
    top.eval();
    CLOCK(HIGH)
    top.eval();
    for (int64_t clock = 0; clock < clocks; ++clock) {
        for (int64_t s = 0; s < count; ++s) offers[s].apply(streams[s], clock, inputs);
        CLOCK(LOW)
        const uint32_t* row = inputs;
        INPUTS(PUT)
        top.eval();
        uint32_t* out = outputs;
        OUTPUTS(GET)
        CLOCK(HIGH)
        top.eval();
        for (int64_t s = 0; s < count; ++s) offers[s].after(streams[s], outputs);
        inputs += row - inputs;
        outputs = out;
    }
}
