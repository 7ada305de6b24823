//! The program `aicr`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    aicr::run(std::env::args_os())
}
