//! Asks at the terminal for the password of a key file, without echo. A signal ends the prompt. No
//! other file reads from the terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::error::Result;
use crate::interrupt::Interrupt;

/// The controlling terminal of this process.
pub(crate) struct Terminal(File);

impl Terminal {
    /// The terminal, if there is one.
    pub(crate) fn open() -> Option<Self> {
        OpenOptions::new().read(true).write(true).open("/dev/tty").ok().map(Self)
    }

    /// Shows `prompt` and reads a line without echo. The line end is not part of the password.
    pub(crate) fn ask(&self, prompt: &str, interrupt: &Interrupt) -> Result<String> {
        let mut terminal = &self.0;
        let silence = Silence::start(&self.0)?;
        write!(terminal, "{prompt}: ").context("write to the terminal")?;
        let typed = self.line(interrupt);
        drop(silence);
        // Also after Ctrl-C, so that the next message begins on a line of its own.
        writeln!(terminal).context("write to the terminal")?;
        Ok(String::from_utf8(typed?).context("use a password that is not UTF-8")?)
    }

    fn line(&self, interrupt: &Interrupt) -> Result<Vec<u8>> {
        let mut typed = Vec::new();
        let mut byte = [0];
        loop {
            interrupt.wait_for_input(&self.0)?;
            let count = (&self.0).read(&mut byte).context("read from the terminal")?;
            if count == 0 || byte == *b"\n" {
                return Ok(typed);
            }
            typed.push(byte[0]);
        }
    }
}

/// A terminal without echo, until dropped.
struct Silence<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn start(terminal: &'a File) -> Result<Self> {
        let before = tcgetattr(terminal).context("ask the terminal for its settings")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent).context("switch off the terminal's echo")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
