//! See `betcode_fuzz::parser`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::parser::TARGET.run)(data));
