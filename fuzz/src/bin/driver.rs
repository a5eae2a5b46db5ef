//! See `betcode_fuzz::driver`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| (betcode_fuzz::driver::TARGET.run)(data));
