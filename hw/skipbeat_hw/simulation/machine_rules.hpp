// The rules of the bus that a machine keeps, checked clock by clock. Follows words.hpp in one compilation unit.
#include <deque>

#include "Vtop.h"

namespace {

constexpr int WORDS = 32;  // of a beat, at most
constexpr int PATIENCE = 8;  // clocks after which data that is not offered waits for its address to be taken

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
    std::deque<uint32_t> announced, written;  // beats of bursts of which only the address, only the data is taken
    uint32_t sent = 0;                         // beats of a burst whose last one is not taken
    int waited = 0;                            // clocks in which an address was offered, and nothing of its data

    // `burst_wrong`: of a burst that is offered, size, kind, alignment, or that it crosses 4 KiB.
    bool burst_wrong(uint64_t address, uint32_t length, uint32_t size, uint32_t kind) const {
        return (1 << size) != beat || kind != 1 || address % beat || address % 4096 + (length + 1) * beat > 4096;
    }

    // Addresses and data pair in order, whichever comes first; data does not wait for its address (AXI4, A3.3.1).
    int64_t pairs_wrong(Vtop& top) {
        int64_t wrong = 0;
        if (top.write___05Fawvalid && top.write___05Fawready) wrong += pair(written, announced, top.write___05Fawlen + 1);
        if (top.write___05Fwvalid && top.write___05Fwready) {
            ++sent;
            if (!top.write___05Fwlast) wrong += !announced.empty() && sent >= announced.front();
            else {
                wrong += pair(announced, written, sent);
                sent = 0;
            }
        }
        const bool waits = top.write___05Fawvalid && !top.write___05Fawready && !top.write___05Fwvalid;
        waited = waits && !sent && written.empty() ? waited + 1 : 0;
        return wrong + (waited > PATIENCE);
    }

    // A burst of so many beats meets the first of `others`, or else waits in `own`.
    static int64_t pair(std::deque<uint32_t>& others, std::deque<uint32_t>& own, uint32_t beats) {
        if (others.empty()) {
            own.push_back(beats);
            return 0;
        }
        const bool wrong = others.front() != beats;
        others.pop_front();
        return wrong;
    }

    static Offer address(bool waits, uint64_t at, uint32_t length) {
        return {waits, {1, static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), length}};
    }

    int64_t check(Vtop& top) {
        Offer now[3];
        int64_t wrong = !top.read___05Frready + !top.write___05Fbready;
        if (top.read___05Farvalid) {
            now[0] = address(!top.read___05Farready, top.read___05Faraddr, top.read___05Farlen);
            wrong += burst_wrong(top.read___05Faraddr, top.read___05Farlen, top.read___05Farsize, top.read___05Farburst);
        }
        if (top.write___05Fawvalid) {
            now[1] = address(!top.write___05Fawready, top.write___05Fawaddr, top.write___05Fawlen);
            wrong += burst_wrong(
                top.write___05Fawaddr, top.write___05Fawlen, top.write___05Fawsize, top.write___05Fawburst);
        }
        if (top.write___05Fwvalid) {
            now[2] = {!top.write___05Fwready, {1, top.write___05Fwlast}};
            get(top.write___05Fwdata, now[2].words + 2);
            wrong += !all_bytes(top.write___05Fwstrb);
        }
        wrong += pairs_wrong(top);
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

}  // namespace
