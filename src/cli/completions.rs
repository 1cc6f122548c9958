//! `windlass completions`: what a shell needs to complete our command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::{Exit, Line, print};

/// The options of `windlass completions`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The shell.
    shell: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

/// Prints the shell's script.
pub(super) fn run(options: &Options) -> Exit {
    let shell = match options.shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "windlass", &mut script);
    print(&String::from_utf8_lossy(&script))
}
