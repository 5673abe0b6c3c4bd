// An accelerator with a memory on its AXI4 port, whose registers are read and written over its AXI4-Lite port.
#include <deque>

#include "Vtop.h"

namespace {

constexpr int WORDS = 16;  // of a beat, at most

struct Burst {
    uint64_t address;
    int beats;
};

struct Bench {
    Vtop top;
    uint8_t* memory;
    uint64_t bytes, base;
    int beat;
    std::deque<Burst> reads, writes;
    int answers = 0;
    bool aw_taken, w_taken, b_taken, ar_taken, r_taken;
    uint32_t value;

    uint64_t place(uint64_t address) const { return address - base; }

    bool inside(const Burst& burst) const { return place(burst.address) + beat <= bytes; }

    void drive() {
        uint32_t words[WORDS] = {};
        top.m_axi_arready = top.m_axi_awready = 1;
        top.m_axi_rvalid = !reads.empty();
        if (!reads.empty()) {
            const Burst& head = reads.front();
            if (inside(head)) std::memcpy(words, memory + place(head.address), beat);
            top.m_axi_rresp = inside(head) ? 0 : 3;
            top.m_axi_rlast = head.beats == 1;
        }
        put(top.m_axi_rdata, words);
        top.m_axi_wready = !writes.empty();
        top.m_axi_bvalid = answers > 0;
        top.m_axi_bresp = 0;
    }

    static void next(std::deque<Burst>& bursts, int beat) {
        bursts.front().address += beat;
        if (--bursts.front().beats == 0) bursts.pop_front();
    }

    void step() {
        drive();
        top.eval();
        aw_taken = top.s_axi_awvalid && top.s_axi_awready;
        w_taken = top.s_axi_wvalid && top.s_axi_wready;
        b_taken = top.s_axi_bvalid && top.s_axi_bready;
        ar_taken = top.s_axi_arvalid && top.s_axi_arready;
        r_taken = top.s_axi_rvalid && top.s_axi_rready;
        value = top.s_axi_rdata;
        if (top.m_axi_rvalid && top.m_axi_rready) next(reads, beat);
        if (top.m_axi_bvalid && top.m_axi_bready) --answers;
        if (top.m_axi_wready && top.m_axi_wvalid) {
            uint32_t words[WORDS];
            get(top.m_axi_wdata, words);
            if (inside(writes.front())) std::memcpy(memory + place(writes.front().address), words, beat);
            answers += writes.front().beats == 1;
            next(writes, beat);
        }
        if (top.m_axi_arvalid) reads.push_back({top.m_axi_araddr, top.m_axi_arlen + 1});
        if (top.m_axi_awvalid) writes.push_back({top.m_axi_awaddr, top.m_axi_awlen + 1});
        top.clk = 1;
        top.eval();
        top.clk = 0;
    }
};

}  // namespace

extern "C" {

void* bench_new(uint8_t* memory, uint64_t bytes, uint64_t base, int beat) {
    auto* bench = new Bench{};
    bench->memory = memory;
    bench->bytes = bytes;
    bench->base = base;
    bench->beat = beat;
    bench->top.rst = 1;
    for (int clock = 0; clock < 5; ++clock) bench->step();
    bench->top.rst = 0;
    return bench;
}

void bench_delete(void* bench) { delete static_cast<Bench*>(bench); }

void bench_step(void* bench, int clocks) {
    while (clocks-- > 0) static_cast<Bench*>(bench)->step();
}

int bench_interrupt(void* bench) { return static_cast<Bench*>(bench)->top.interrupt_o; }

uint32_t bench_read(uintptr_t device, uint32_t offset) {
    Bench& bench = *reinterpret_cast<Bench*>(device);
    bench.top.s_axi_araddr = offset;
    bench.top.s_axi_arvalid = bench.top.s_axi_rready = 1;
    do {
        bench.step();
        if (bench.ar_taken) bench.top.s_axi_arvalid = 0;
    } while (!bench.r_taken);
    bench.top.s_axi_rready = 0;
    return bench.value;
}

void bench_write(uintptr_t device, uint32_t offset, uint32_t value) {
    Bench& bench = *reinterpret_cast<Bench*>(device);
    bench.top.s_axi_awaddr = offset;
    bench.top.s_axi_wdata = value;
    bench.top.s_axi_wstrb = 15;
    bench.top.s_axi_awvalid = bench.top.s_axi_wvalid = bench.top.s_axi_bready = 1;
    do {
        bench.step();
        if (bench.aw_taken) bench.top.s_axi_awvalid = 0;
        if (bench.w_taken) bench.top.s_axi_wvalid = 0;
    } while (!bench.b_taken);
    bench.top.s_axi_bready = 0;
}
}
