//! See `betcode_fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::frames::TARGET.run)(data));
