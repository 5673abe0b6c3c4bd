/* Lets the accelerator read digits, and compares their logits and its clocks with those that skipbeat expects. */
#include <stdint.h>

#include "network.h"
#include "skipbeat.h"

#define SERIAL (*(volatile uint32_t *)0x40000000u)
#define LIGHTS (*(volatile uint32_t *)0x40000004u)
#define ACCELERATOR ((skipbeat_device)0x80000000u)

enum { PASSED = 1, FAILED = 2 };

extern uint32_t network[]; /* at a multiple of 4 KiB: the base of a run */

static void print(const char *text) {
    for (; *text; ++text) {
        while (SERIAL) continue;
        SERIAL = (uint8_t)*text;
    }
}

static void print_number(uint64_t number) {
    char digits[21], *first = digits + sizeof digits - 1;
    uint32_t left = (uint32_t)number; /* far less than a second of clocks */
    *first = 0;
    do { /* the processor has no division */
        uint32_t tenth = 0, rest = left;
        for (int shift = 28; shift >= 0; --shift)
            if (rest >> shift >= 10) {
                rest -= 10u << shift;
                tenth += 1u << shift;
            }
        *--first = (char)('0' + rest);
        left = tenth;
    } while (left);
    print(first);
}

/* The processor sleeps until its interrupt is 1: an instruction that only this one has. */
static void wait_for_interrupt(void) {
    uint32_t pending;
    __asm__ volatile(".insn r 0x0b, 4, 4, %0, x0, x0" : "=r"(pending) : : "memory");
}

/* One run; returns its outcome. */
static int run(const uint32_t *input) {
    const struct skipbeat_program program = {
        .base = (uintptr_t)network, .address = NETWORK_ADDRESS, .count = NETWORK_COUNT, .fingerprint = NETWORK_FINGERPRINT
    };
    volatile uint32_t *place = network + NETWORK_INPUT / 4;
    for (int i = 0; i < NETWORK_INPUT_BYTES / 4; ++i) place[i] = input[i];
    const int begun = skipbeat_start(ACCELERATOR, &program);
    if (begun != SKIPBEAT_OK) return begun;
    do wait_for_interrupt();
    while (!skipbeat_take_interrupt(ACCELERATOR));
    return skipbeat_outcome(ACCELERATOR);
}

static bool right(const int32_t *expected, int *best) {
    const volatile int32_t *logits = (const volatile int32_t *)(network + NETWORK_OUTPUT / 4);
    bool same = true;
    *best = 0;
    for (int i = 0; i < NETWORK_CLASSES; ++i) {
        same &= logits[i] == expected[i];
        if (logits[i] > logits[*best]) *best = i;
    }
    return same;
}

int main(void) {
    bool good = true;
    skipbeat_enable_interrupt(ACCELERATOR, true);
    for (int i = 0; i < NETWORK_DIGITS; ++i) {
        int best = 0;
        const int outcome = run(network_inputs[i]);
        const uint64_t clocks = skipbeat_counter(ACCELERATOR, SKIPBEAT_CYCLES);
        const bool same = outcome == SKIPBEAT_OK && right(network_logits[i], &best);
        print("digit ");
        print_number((uint64_t)i);
        if (outcome == SKIPBEAT_OK) {
            print(": a ");
            print_number((uint64_t)best);
            print(same ? ", logits as expected, " : ", WRONG LOGITS, ");
            print_number(clocks);
            print(clocks == NETWORK_CLOCKS ? " clocks as expected\r\n" : " clocks, NOT AS EXPECTED\r\n");
        } else {
            print(": ");
            print(outcome > 0 ? skipbeat_error_name(outcome) : "not begun");
            print("\r\n");
        }
        good &= same && clocks == NETWORK_CLOCKS;
    }
    print(good ? "PASS\r\n" : "FAIL\r\n");
    LIGHTS = good ? PASSED : FAILED;
    return 0;
}
