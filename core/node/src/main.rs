mod config;
mod demo;

fn main() {}
