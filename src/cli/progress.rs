//! Progress on a terminal: a bar on standard error, once work takes longer than anybody wants to wait in the dark.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Progress;

/// How long a run stays silent.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that shows itself when the run has lasted for a while, and leaves nothing behind.
pub(crate) struct Bar {
    begun: Instant,
    on_terminal: bool,
    stage: Mutex<Option<Stage>>,
}

/// What the bar stands for at the moment.
struct Stage {
    bar: ProgressBar,
    shown: bool,
}

impl Bar {
    /// A bar for one run, which begins now.
    pub(crate) fn new() -> Self {
        Self::on(io::stderr().is_terminal())
    }

    fn on(on_terminal: bool) -> Self {
        Self {
            begun: Instant::now(),
            on_terminal,
            stage: Mutex::new(None),
        }
    }

    /// Runs `work` on the stage; a panic of another thread does not matter to a bar.
    fn with<T>(&self, work: impl FnOnce(&mut Option<Stage>) -> T) -> T {
        work(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn show_when_due(&self, stage: &mut Stage) {
        if !stage.shown && self.begun.elapsed() >= PATIENCE {
            stage.shown = true;
            stage.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Progress for Bar {
    fn start(&self, what: &str, total: usize) {
        if !self.on_terminal {
            return;
        }
        self.done();
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        // The template is constant; were it wrong, the default would do.
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        let mut stage = Stage { bar, shown: false };
        self.show_when_due(&mut stage);
        self.with(|current| *current = Some(stage));
    }

    fn step(&self) {
        if !self.on_terminal {
            return;
        }
        self.with(|stage| {
            if let Some(stage) = stage {
                stage.bar.inc(1);
                self.show_when_due(stage);
            }
        });
    }

    fn done(&self) {
        if let Some(stage) = self.with(Option::take) {
            stage.bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_there_is_no_bar() {
        let bar = Bar::on(false);
        bar.start("reading", 3);
        bar.step();
        assert!(bar.with(|stage| stage.is_none()));
    }

    #[test]
    fn a_bar_waits_before_it_shows_itself() {
        let mut bar = Bar::on(true);
        bar.start("reading", 3);
        assert!(bar.with(|stage| stage.as_ref().is_some_and(|stage| !stage.shown)));
        bar.begun = Instant::now()
            .checked_sub(PATIENCE)
            .expect("the clock is past its first half second");
        bar.step();
        assert!(bar.with(|stage| stage.as_ref().is_some_and(|stage| stage.shown)));
        bar.done();
        assert!(bar.with(|stage| stage.is_none()));
    }
}
