// Wide multiplexers of ECP5: pairs of LUT4 that the slice's own PFUMX and L6MUX21 join, M / 2 LUTs for M inputs.
//
// Yosys knows PFUMX only as a part of a LUT5, whose five inputs are too few for a 4:1 multiplexer, and spends 3 LUT4 on it.

module \$_MUX4_ (input A, B, C, D, S, T, output Y);
  wire low, high;
  LUT4 #(.INIT(16'hCACA)) l (.A(A), .B(B), .C(S), .D(1'b0), .Z(low));
  LUT4 #(.INIT(16'hCACA)) h (.A(C), .B(D), .C(S), .D(1'b0), .Z(high));
  PFUMX m (.ALUT(high), .BLUT(low), .C0(T), .Z(Y));
endmodule
module \$_MUX8_ (input A, B, C, D, E, F, G, H, S, T, U, output Y);
  wire low, high;
  \$_MUX4_ l (.A(A), .B(B), .C(C), .D(D), .S(S), .T(T), .Y(low));
  \$_MUX4_ h (.A(E), .B(F), .C(G), .D(H), .S(S), .T(T), .Y(high));
  L6MUX21 m (.D0(low), .D1(high), .SD(U), .Z(Y));
endmodule
module \$_MUX16_ (input A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, S, T, U, V, output Y);
  wire low, high;
  \$_MUX8_ l (.A(A), .B(B), .C(C), .D(D), .E(E), .F(F), .G(G), .H(H), .S(S), .T(T), .U(U), .Y(low));
  \$_MUX8_ h (.A(I), .B(J), .C(K), .D(L), .E(M), .F(N), .G(O), .H(P), .S(S), .T(T), .U(U), .Y(high));
  L6MUX21 m (.D0(low), .D1(high), .SD(V), .Z(Y));
endmodule
