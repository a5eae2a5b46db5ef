//! A `claude` that plays a recorded session; see `betcode_testkit::replay`.

use std::io::Write as _;

use betcode_testkit::replay::program::{Started, run};

fn main() {
    let started = Started::new(std::env::args().skip(1), |name| std::env::var_os(name));
    let code = match started.and_then(|started| run(&started)) {
        Ok(code) => code,
        Err(error) => {
            let _unheard = writeln!(std::io::stderr(), "replay: {error:#}");
            1
        }
    };
    // At once: a thread still reads stdin.
    std::process::exit(code)
}
