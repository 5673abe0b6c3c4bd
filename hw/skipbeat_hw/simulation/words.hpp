// Moves values between Verilator's port types and rows of 32-bit words, little-endian.
#include <cstdint>
#include <cstring>

#include "verilated.h"

template <class Port>
constexpr int words_of(const Port&) {
    return (sizeof(Port) + 3) / 4;
}

template <class Port>
void put(Port& port, const uint32_t* words) {
    if constexpr (sizeof(Port) <= 4) {
        port = static_cast<Port>(words[0]);
    } else {
        std::memcpy(&port, words, sizeof(Port));
    }
}

template <class Port>
void get(const Port& port, uint32_t* words) {
    if constexpr (sizeof(Port) <= 4) {
        words[0] = static_cast<uint32_t>(port);
    } else {
        std::memcpy(words, &port, sizeof(Port));
    }
}
