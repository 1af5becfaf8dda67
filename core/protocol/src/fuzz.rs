//! What chance makes of lines, requests and answers: read as the specifications have it, or refused.

mod answers;
mod arguments;
mod lines;
mod requests;

/// Cases of each test: enough for chance to meet every branch many times.
const CASES: u32 = 250_000;
