// A memory of 32-bit words for a processor and an AXI4 master of one ID that always takes data and answers.
//
// To the master it is the memory of docs/machine.md with a latency of 2 clocks: bursts whole, in the order of their
// addresses, the read first of two in one clock; a beat per clock. So a run takes the clocks that `skipbeat` says.
// The processor's request waits while the master uses the same port; it is answered one clock after it is taken.
`default_nettype none

module shared_memory #(parameter KIB = 64, parameter CONTENT = "memory.hex") (
  input wire clk, input wire rst,
  input wire cpu_valid, output reg cpu_ready, input wire [31:0] cpu_address, input wire [31:0] cpu_write,
  input wire [3:0] cpu_strobes, output wire [31:0] cpu_read,
  input wire arvalid, output wire arready, input wire [31:0] araddr, input wire [7:0] arlen,
  output wire rvalid, output wire [31:0] rdata, output wire rlast,
  input wire awvalid, output wire awready, input wire [31:0] awaddr, input wire [7:0] awlen,
  input wire wvalid, output wire wready, input wire [31:0] wdata, output reg bvalid
);
  localparam BITS = $clog2(KIB) + 8;  // of a word's number
  localparam IDLE = 2'd0, READ = 2'd1, WRITE = 2'd2;
  (* no_rw_check *) reg [31:0] words [0:(1 << BITS) - 1];
  initial $readmemh(CONTENT, words);

  // Bursts whose address was taken, 16 of each kind: beats less one, and the number of the first word. A write has the
  // number of reads that come before it.
  reg [BITS+7:0] reads [0:15];
  reg [BITS+12:0] writes [0:15];
  reg [4:0] reads_taken, reads_begun, writes_taken, writes_begun;
  wire [4:0] reads_held = reads_taken - reads_begun, writes_held = writes_taken - writes_begun;
  assign arready = !reads_held[4];
  assign awready = !writes_held[4];
  wire take_read = arvalid && arready, take_write = awvalid && awready;
  wire [BITS+12:0] coming = {reads_taken + {4'd0, take_read}, awlen, awaddr[BITS+1:2]};
  wire [BITS+7:0] next_read = reads[reads_begun[3:0]];
  wire [BITS+12:0] next_write = writes_held == 0 ? coming : writes[writes_begun[3:0]];

  // What is on the bus in this clock, and where it goes on in the next one.
  reg [1:0] beat;
  reg [7:0] left;  // beats after this one
  reg [BITS-1:0] at;
  wire over = beat == IDLE || beat == READ || wvalid;
  wire may_write = (writes_held != 0 || take_write) && next_write[BITS+12:BITS+8] == reads_begun;
  wire begin_write = over && left == 0 && may_write;
  wire begin_read = over && left == 0 && !may_write && reads_held != 0;
  reg [1:0] next_beat;
  reg [7:0] next_left;
  reg [BITS-1:0] next_at;
  always @* begin
    next_beat = beat;
    next_left = left;
    next_at = at;
    if (begin_write) {next_beat, next_left, next_at} = {WRITE, next_write[BITS+7:0]};
    else if (begin_read) {next_beat, next_left, next_at} = {READ, next_read};
    else if (over && left != 0) {next_left, next_at} = {left - 1'd1, at + 1'd1};
    else if (over) next_beat = IDLE;
  end
  always @(posedge clk) begin
    if (take_read) reads[reads_taken[3:0]] <= {arlen, araddr[BITS+1:2]};
    if (take_write) writes[writes_taken[3:0]] <= coming;
    beat <= next_beat;
    left <= next_left;
    at <= next_at;
    reads_taken <= reads_taken + {4'd0, take_read};
    writes_taken <= writes_taken + {4'd0, take_write};
    reads_begun <= reads_begun + {4'd0, begin_read};
    writes_begun <= writes_begun + {4'd0, begin_write};
    bvalid <= beat == WRITE && wvalid && left == 0;
    if (rst) begin
      beat <= IDLE;
      left <= 0;
      {reads_taken, reads_begun, writes_taken, writes_begun, bvalid} <= 0;
    end
  end
  assign rvalid = beat == READ;
  assign rlast = left == 0;
  assign wready = beat == WRITE;

  // One port that reads and one that writes; the master goes first.
  wire bus_writes = wready && wvalid, bus_reads = next_beat == READ;
  wire cpu_asks = cpu_valid && !cpu_ready;
  wire cpu_writes = cpu_asks && cpu_strobes != 0 && !bus_writes;
  wire cpu_reads = cpu_asks && cpu_strobes == 0 && !bus_reads;
  wire [BITS-1:0] write_at = bus_writes ? at : cpu_address[BITS+1:2];
  wire [BITS-1:0] read_at = bus_reads ? next_at : cpu_address[BITS+1:2];
  wire [31:0] write = bus_writes ? wdata : cpu_write;
  wire [3:0] strobes = bus_writes ? 4'hf : cpu_writes ? cpu_strobes : 4'h0;
  reg [31:0] read;
  integer lane;
  always @(posedge clk) begin
    for (lane = 0; lane < 4; lane = lane + 1)
      if (strobes[lane]) words[write_at][8*lane +: 8] <= write[8*lane +: 8];
    read <= words[read_at];
    cpu_ready <= (cpu_writes || cpu_reads) && !rst;
  end
  assign rdata = read;
  assign cpu_read = read;
endmodule
`default_nettype wire
