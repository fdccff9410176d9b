//! `apply --interactive`: every choice is shown with its reasons and asked for, as `git add -p` asks.
//!
//! What is chosen are sites; the text is composed anew from them, so that imports and what nothing reads any more follow by themselves.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use anyhow::Result;

use crate::cli::manual::{self, Edited};
use crate::cli::terminal::{Terminal, print};
use crate::finding::{Finding, Patch};
use crate::pipeline::{Selection, Survey};
use crate::report::choice::{Choice, choices, shown};
use crate::report::escape::visible;
use crate::report::hunks::{ById, by_id};
use crate::report::totals::plural;

const HELP: &str = "\
y - apply this change
n - do not apply this change
q - quit: apply neither this change nor any of those that are left; those chosen before are written
a - apply this change and all later ones in the file
d - apply neither this change nor any later one in the file
e - edit this change by hand, then apply it
? - print this help
";

/// Asks for every choice in `patches`. Gives the patches of what was chosen, and narrows `selection` to it.
pub(super) fn choose(
    survey: &Survey,
    selection: &mut Selection,
    patches: &[Patch],
    terminal: Terminal,
) -> Result<Vec<Patch>> {
    let findings = by_id(&survey.inventory);
    let mut asking = Asking {
        survey,
        selection: Selection {
            sites: Some(BTreeSet::new()),
            ..selection.clone()
        },
        findings: &findings,
        terminal,
        edited: Vec::new(),
        is_over: false,
    };
    let mut input = io::stdin().lock();
    for patch in patches {
        if asking.is_over {
            break;
        }
        asking.file(patch, &mut input)?;
    }
    let patches = asking.patches();
    *selection = asking.selection;
    Ok(patches)
}

/// What is answered to one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Quit,
    All,
    Done,
    Edit,
    Help,
}

impl Answer {
    fn read(line: &str) -> Self {
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            "n" | "no" => Self::No,
            "q" => Self::Quit,
            "a" => Self::All,
            "d" => Self::Done,
            "e" => Self::Edit,
            _ => Self::Help,
        }
    }
}

struct Asking<'a> {
    survey: &'a Survey,
    /// With the sites chosen so far.
    selection: Selection,
    findings: &'a ById<'a>,
    terminal: Terminal,
    edited: Vec<Edited>,
    is_over: bool,
}

impl Asking<'_> {
    fn file(&mut self, patch: &Patch, input: &mut impl BufRead) -> Result<()> {
        let (choices, _) = choices(patch, self.findings);
        let count = choices.len();
        let mut rest = None;
        for (index, choice) in choices.iter().enumerate() {
            let is_taken = match rest {
                Some(is_taken) => is_taken,
                None => match self.ask(patch, choice, (index + 1, count), input)? {
                    Answer::Yes => true,
                    Answer::All => {
                        rest = Some(true);
                        true
                    }
                    Answer::Done => {
                        rest = Some(false);
                        false
                    }
                    Answer::Quit => {
                        self.is_over = true;
                        break;
                    }
                    _ => false,
                },
            };
            if is_taken {
                self.take(choice);
            }
        }
        self.show_following(patch)
    }

    fn take(&mut self, choice: &Choice<'_>) {
        let sites = self.selection.sites.get_or_insert_default();
        sites.extend(choice.sites.iter().map(|finding| finding.id.clone()));
    }

    /// Asks until there is an answer that decides; [`Answer::Yes`] also for a change that was edited.
    fn ask(
        &mut self,
        patch: &Patch,
        choice: &Choice<'_>,
        (number, count): (usize, usize),
        input: &mut impl BufRead,
    ) -> Result<Answer> {
        let path = visible(&patch.path);
        let question = format!("({number}/{count}) Apply this change to {path} [y,n,q,a,d,e,?]? ");
        print(&choice.shown(self.terminal.results))?;
        loop {
            let Some(line) = question_for(&question, input)? else {
                return Ok(Answer::Quit);
            };
            match Answer::read(&line) {
                Answer::Help => print(HELP)?,
                Answer::Edit => {
                    if let Some(edited) = self.edit(patch, choice, input)? {
                        self.edited.push(edited);
                        return Ok(Answer::Yes);
                    }
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Has a change edited until it can be applied; `None` when it is left as it was.
    fn edit(
        &self,
        patch: &Patch,
        choice: &Choice<'_>,
        input: &mut impl BufRead,
    ) -> Result<Option<Edited>> {
        let mut text = manual::document(&choice.hunks);
        loop {
            let edited = manual::in_editor(&text);
            let read = match edited {
                Ok(edited) => {
                    text = edited;
                    manual::read(&text, &choice.hunks)
                }
                Err(error) => Err(format!("{error:#}")),
            };
            let problem = match read {
                Ok(None) => {
                    self.terminal
                        .remark("nothing is left of the change: it stays as it was");
                    return Ok(None);
                }
                Ok(Some(texts)) => {
                    let edited = Edited {
                        path: patch.path.clone(),
                        sites: ids(&choice.sites),
                        hunks: choice.hunks.iter().cloned().zip(texts).collect(),
                    };
                    match edited.place(&patch.before, &patch.after) {
                        Some(after) if self.survey.parses(&patch.path, &after) => {
                            return Ok(Some(edited));
                        }
                        _ => "the file would not parse any more".to_owned(),
                    }
                }
                Err(problem) => problem,
            };
            self.terminal
                .warning(&format!("the edited change cannot be applied: {problem}"));
            let again = "Edit it again (\"n\" leaves the change as it was) [y,n]? ";
            match question_for(again, input)?.as_deref().map(Answer::read) {
                Some(Answer::Yes) => {}
                _ => return Ok(None),
            }
        }
    }

    /// Shows what the choices for a file bring with them.
    fn show_following(&self, patch: &Patch) -> Result<()> {
        let selection = Selection {
            paths: vec![patch.path.clone()],
            ..self.selection.clone()
        };
        for chosen in self.survey.patches(&selection) {
            let (_, following) = choices(&chosen, self.findings);
            if !following.is_empty() {
                print("What you chose brings with it:\n")?;
                print(&shown(&following, self.terminal.results))?;
            }
        }
        Ok(())
    }

    /// The patches of what was chosen, those edited by hand as they were edited.
    fn patches(&mut self) -> Vec<Patch> {
        loop {
            let mut patches = self.survey.patches(&self.selection);
            let mut unfit = BTreeSet::new();
            for patch in &mut patches {
                for edited in self.edited.iter().filter(|e| e.path == patch.path) {
                    match edited.place(&patch.before, &patch.after) {
                        Some(after) if self.survey.parses(&patch.path, &after) => {
                            patch.after = after;
                        }
                        _ => unfit.extend(edited.sites.iter().cloned()),
                    }
                }
            }
            if unfit.is_empty() {
                return patches;
            }
            self.terminal.warning(&format!(
                "{} edited by hand cannot be applied without what was declined, and left as before",
                plural(unfit.len(), "site")
            ));
            self.edited
                .retain(|edited| edited.sites.is_disjoint(&unfit));
            if let Some(sites) = &mut self.selection.sites {
                sites.retain(|site| !unfit.contains(site));
            }
        }
    }
}

fn ids(findings: &[&Finding]) -> BTreeSet<String> {
    findings.iter().map(|finding| finding.id.clone()).collect()
}

/// Asks, and reads a line; `None` at the end of the input.
fn question_for(question: &str, input: &mut impl BufRead) -> Result<Option<String>> {
    print(question)?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        print("\n")?;
        return Ok(None);
    }
    Ok(Some(line))
}
