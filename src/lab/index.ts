/** Scenarios on real TCP, their peers and faults, and what keep-alive costs and saves. This file is the layer's whole public face. */
export {};
