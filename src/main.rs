//! Maps the outcome of the command line to an exit code.

use std::process::ExitCode;

use connmod::cli::{self, Outcome};

fn main() -> ExitCode {
    match cli::main() {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::No => ExitCode::from(1),
        Outcome::Failed => ExitCode::from(2),
    }
}
