# The processor begins at address 0, with memory as it was at power-up.
        .section .start, "ax"
        .globl _start
_start: la sp, stack_top
        call main
1:      j 1b

# The network's memory: program, weights, tensors, as docs/integration.md has them.
        .section .network, "aw"
        .globl network
network:
        .incbin "network.bin"
