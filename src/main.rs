//! The binary: hands its arguments to `amps_rules::cli` and returns the exit code.

fn main() -> std::process::ExitCode {
    amps_rules::cli::main(std::env::args_os())
}
