// Clocks the system, prints what its serial line says, and ends with what its lights say: status 0 only after light 0.
`timescale 1ns / 1ps

module system_tb;
  localparam BIT_CLOCKS = 4;
  localparam TIMEOUT = 2000000;  // clocks
  reg clk = 0;
  wire tx;
  wire [7:0] led;
  reg [7:0] data;
  integer i, clocks;

  system #(.BIT_CLOCKS(BIT_CLOCKS)) dut (.clk(clk), .tx(tx), .led(led));

  always #20 clk = !clk;

  always begin
    @(negedge tx);
    repeat (BIT_CLOCKS + BIT_CLOCKS / 2) @(posedge clk);
    for (i = 0; i < 8; i = i + 1) begin
      data[i] = tx;
      repeat (BIT_CLOCKS) @(posedge clk);
    end
    $write("%c", data);
  end

  initial begin
    for (clocks = 0; led == 0 && clocks < TIMEOUT; clocks = clocks + 1) @(posedge clk);
    repeat (20 * BIT_CLOCKS) @(posedge clk);
    if (led != 8'd1) $fatal(1, "FAIL: the lights are %b after %0d clocks, expected 00000001", led, clocks);
    $finish;
  end
endmodule
