// A RISC-V (PicoRV32), a memory on the chip that it shares with the accelerator, a serial line and lights.
//
//   0x00000000  memory: firmware, program, tensors
//   0x40000000  serial line: a write sends a byte; a read gives 1 while one is being sent
//   0x40000004  lights 0 to 6; light 7 is the processor's trap
//   0x80000000  registers of the accelerator
`default_nettype none

module system #(
  parameter KIB = 64,              // of memory
  parameter CONTENT = "memory.hex",  // of memory at power-up, a word of 32 bits per line
  parameter BIT_CLOCKS = 217       // of the serial line: 115,200 baud at 25 MHz
) (
  input wire clk,
  output wire tx,
  output wire [7:0] led
);
  // Reset for the first clocks after power-up.
  reg [3:0] up = 0;
  wire resetn = &up;
  always @(posedge clk) if (!resetn) up <= up + 1'd1;

  // Processor: one request at a time, which stays until it is answered.
  wire valid, trap, interrupt;
  wire [31:0] address, to_write;
  wire [3:0] strobes;
  wire at_memory = valid && address[31:30] == 2'd0;
  wire at_board = valid && address[31:30] == 2'd1;
  wire at_accelerator = valid && address[31:30] == 2'd2;
  wire memory_ready, accelerator_ready;
  wire [31:0] memory_read, accelerator_read;
  wire sending;
  picorv32 #(
    .ENABLE_COUNTERS(0), .ENABLE_COUNTERS64(0), .ENABLE_IRQ(1), .ENABLE_IRQ_QREGS(0), .ENABLE_IRQ_TIMER(0),
    .MASKED_IRQ(32'hffff_fffe), .LATCHED_IRQ(0)
  ) cpu (
    .clk(clk), .resetn(resetn), .trap(trap),
    .mem_valid(valid), .mem_ready(memory_ready || at_board || accelerator_ready),
    .mem_addr(address), .mem_wdata(to_write), .mem_wstrb(strobes),
    .mem_rdata(at_memory ? memory_read : at_accelerator ? accelerator_read : {31'd0, sending}),
    .irq({31'd0, interrupt}), .pcpi_wr(1'b0), .pcpi_rd(32'd0), .pcpi_wait(1'b0), .pcpi_ready(1'b0)
  );

  reg [6:0] lights = 0;
  assign led = {trap, lights};
  always @(posedge clk) if (at_board && address[2] && strobes[0]) lights <= to_write[6:0];

  serial #(.BIT_CLOCKS(BIT_CLOCKS)) line (
    .clk(clk), .send(at_board && !address[2] && strobes[0]), .data(to_write[7:0]), .busy(sending), .tx(tx)
  );

  // The accelerator's registers: the processor's request as AXI4-Lite.
  wire [31:0] l_awaddr, l_wdata, l_araddr, l_rdata;
  wire [3:0] l_wstrb;
  wire l_awvalid, l_awready, l_wvalid, l_wready, l_bvalid, l_bready, l_arvalid, l_arready, l_rvalid, l_rready;
  picorv32_axi_adapter bridge (
    .clk(clk), .resetn(resetn),
    .mem_axi_awvalid(l_awvalid), .mem_axi_awready(l_awready), .mem_axi_awaddr(l_awaddr),
    .mem_axi_wvalid(l_wvalid), .mem_axi_wready(l_wready), .mem_axi_wdata(l_wdata), .mem_axi_wstrb(l_wstrb),
    .mem_axi_bvalid(l_bvalid), .mem_axi_bready(l_bready),
    .mem_axi_arvalid(l_arvalid), .mem_axi_arready(l_arready), .mem_axi_araddr(l_araddr),
    .mem_axi_rvalid(l_rvalid), .mem_axi_rready(l_rready), .mem_axi_rdata(l_rdata),
    .mem_valid(at_accelerator), .mem_instr(1'b0), .mem_ready(accelerator_ready), .mem_addr(address),
    .mem_wdata(to_write), .mem_wstrb(strobes), .mem_rdata(accelerator_read)
  );

  wire [31:0] araddr, rdata, awaddr, wdata;
  wire [7:0] arlen, awlen;
  wire arvalid, arready, rvalid, rlast, awvalid, awready, wvalid, wready, bvalid;
  accelerator npu (
    .clk(clk), .rst(!resetn), .interrupt_o(interrupt),
    .s_axi_awvalid(l_awvalid), .s_axi_awready(l_awready), .s_axi_awaddr(l_awaddr[8:0]), .s_axi_awprot(3'd0),
    .s_axi_wvalid(l_wvalid), .s_axi_wready(l_wready), .s_axi_wdata(l_wdata), .s_axi_wstrb(l_wstrb),
    .s_axi_bvalid(l_bvalid), .s_axi_bready(l_bready),
    .s_axi_arvalid(l_arvalid), .s_axi_arready(l_arready), .s_axi_araddr(l_araddr[8:0]), .s_axi_arprot(3'd0),
    .s_axi_rvalid(l_rvalid), .s_axi_rready(l_rready), .s_axi_rdata(l_rdata),
    .m_axi_arvalid(arvalid), .m_axi_arready(arready), .m_axi_araddr(araddr), .m_axi_arlen(arlen),
    .m_axi_rvalid(rvalid), .m_axi_rdata(rdata), .m_axi_rresp(2'd0), .m_axi_rlast(rlast), .m_axi_rid(1'b0),
    .m_axi_awvalid(awvalid), .m_axi_awready(awready), .m_axi_awaddr(awaddr), .m_axi_awlen(awlen),
    .m_axi_wvalid(wvalid), .m_axi_wready(wready), .m_axi_wdata(wdata),
    .m_axi_bvalid(bvalid), .m_axi_bresp(2'd0), .m_axi_bid(1'b0)
  );

  shared_memory #(.KIB(KIB), .CONTENT(CONTENT)) memory (
    .clk(clk), .rst(!resetn),
    .cpu_valid(at_memory), .cpu_ready(memory_ready), .cpu_address(address), .cpu_write(to_write),
    .cpu_strobes(strobes), .cpu_read(memory_read),
    .arvalid(arvalid), .arready(arready), .araddr(araddr), .arlen(arlen),
    .rvalid(rvalid), .rdata(rdata), .rlast(rlast),
    .awvalid(awvalid), .awready(awready), .awaddr(awaddr), .awlen(awlen),
    .wvalid(wvalid), .wready(wready), .wdata(wdata), .bvalid(bvalid)
  );
endmodule

// Sends bytes: a start bit, eight bits from the lowest on, a stop bit.
module serial #(parameter BIT_CLOCKS = 217) (
  input wire clk, input wire send, input wire [7:0] data, output wire busy, output wire tx
);
  reg [10:0] bits = 1;  // what is still to send, under a highest 1
  reg [15:0] clocks = 0;  // of the bit on the line, still to come
  reg level = 1;
  assign busy = clocks != 0 || bits != 1;
  assign tx = level;
  always @(posedge clk)
    if (clocks != 0) clocks <= clocks - 1'd1;
    else if (bits != 1) begin
      level <= bits[0];
      bits <= bits >> 1;
      clocks <= BIT_CLOCKS - 1;
    end else if (send) bits <= {2'b11, data, 1'b0};
endmodule
`default_nettype wire
