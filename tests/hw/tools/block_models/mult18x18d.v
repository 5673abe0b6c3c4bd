// The MULT18X18D of ECP5 in the modes that are used: signed, with an output register, and with input registers or without.
// No register has a reset.
module MULT18X18D(input CLK0, CE0, RST0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, A17, A16, A15, A14, A13, A12, A11, A10,
  A9, A8, A7, A6, A5, A4, A3, A2, A1, A0, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1,
  B0, C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0);
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_PIPELINE_CLK = "NONE", REG_OUTPUT_CLK = "NONE";
  reg signed [17:0] a = 0, b = 0;
  wire signed [17:0] x =
    {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire signed [17:0] y =
    {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  reg signed [35:0] p = 0;
  always @(posedge CLK0) begin
    a <= x;
    b <= y;
    p <= (REG_INPUTA_CLK == "NONE" ? x : a) * (REG_INPUTB_CLK == "NONE" ? y : b);
  end
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;
endmodule
