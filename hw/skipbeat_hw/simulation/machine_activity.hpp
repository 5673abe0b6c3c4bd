// Values of all nets in a window of clocks, to a file; a build without trace has none.
#if VM_TRACE_VCD
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#elif VM_TRACE_SAIF
#include "verilated_saif_c.h"
using Trace = VerilatedSaifC;
#endif

// Mirrors machine_driver.py.
struct MachineActivity {
    const char* file;  // null: none
    int64_t first, clocks;
    uint64_t period_ps;
};

namespace {

#if VM_TRACE
struct Activity {
    const MachineActivity& asked;
    Trace trace;
    bool is_open = false;

    template <class Top>
    Activity(const MachineActivity& asked, Top& top) : asked(asked) {
        if (!asked.file) return;
        trace.set_time_unit("1ps");
        trace.set_time_resolution("1ps");
        top.trace(&trace, 99);
    }

    bool within(int64_t clock) const {
        return asked.file && clock >= asked.first && clock - asked.first < asked.clocks;
    }

    // The values of the clock's first half (the inputs have changed) or of its second (the registers have).
    void sample(int64_t clock, bool edge) {
        if (!within(clock)) {
            if (is_open) trace.close();
            is_open = false;
            return;
        }
        if (!is_open) trace.open(asked.file);
        is_open = true;
        trace.dump((clock - asked.first) * asked.period_ps + (edge ? asked.period_ps / 2 : 0));
    }

    ~Activity() {
        if (is_open) trace.close();
    }
};
#else
struct Activity {
    template <class Top>
    Activity(const MachineActivity&, Top&) {}
    void sample(int64_t, bool) {}
};
#endif

}  // namespace
