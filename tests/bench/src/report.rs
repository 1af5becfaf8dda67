//! Figures: one JSON line each, and a Markdown table beside what they must reach.

use std::{fs::File, io::Write as _, path::Path};

use serde::Serialize;

/// What a figure must reach on the reference chain with two cores.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure, and what it must reach.
pub(crate) type Goal = (&'static str, Target);

/// Source: a peer measured on the same chain and machine, and how much better to be.
pub(crate) const REFERENCE_GOALS: [Goal; 18] = [
    ("initial build", Target::AtMost(2.0)),
    ("initial build, CPU", Target::AtMost(3.5)),
    ("initial build, peak RSS", Target::AtMost(370.0)),
    ("index", Target::AtMost(165.0)),
    ("subscribe", Target::AtLeast(145_000.0)),
    ("get_history", Target::AtLeast(150_000.0)),
    ("get_balance", Target::AtLeast(200_000.0)),
    ("listunspent", Target::AtLeast(190_000.0)),
    ("get_merkle", Target::AtLeast(50_000.0)),
    ("block.header", Target::AtLeast(200_000.0)),
    ("transaction.get", Target::AtLeast(25_000.0)),
    ("get_history, hot", Target::AtLeast(250.0)),
    ("new block to notice, p99", Target::AtMost(100.0)),
    ("new block to notice, last", Target::AtMost(300.0)),
    ("new transaction to notice, p99", Target::AtMost(200.0)),
    ("polite beside balances, p99", Target::AtMost(50.0)),
    ("polite beside hot histories, p99", Target::AtMost(50.0)),
    ("memory of a subscribed session", Target::AtMost(15.0)),
];

/// One measured value.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) server: String,
    pub(crate) figure: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// How it was measured.
    pub(crate) how: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wrong: Option<String>,
}

/// The figures of a run, and where their lines go.
#[derive(Debug)]
pub(crate) struct Report {
    /// The servers measured; figures that come now are those of the last one.
    servers: Vec<String>,
    figures: Vec<Figure>,
    file: Option<File>,
}

impl Report {
    /// Begins a report; its lines go to a file, or to stdout.
    pub(crate) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = path.map(File::create).transpose()?;
        Ok(Self {
            servers: Vec::new(),
            figures: Vec::new(),
            file,
        })
    }

    /// From here on figures are those of this server.
    pub(crate) fn begin(&mut self, server: &str) {
        self.servers.push(server.to_owned());
    }

    /// Adds a figure that is right by construction.
    pub(crate) fn add(
        &mut self,
        figure: &'static str,
        value: f64,
        unit: &'static str,
        how: &str,
    ) -> anyhow::Result<()> {
        let server = self.server().to_owned();
        self.push(Figure {
            server,
            figure,
            value,
            unit,
            how: how.to_owned(),
            wrong: None,
        })
    }

    /// Adds a figure.
    pub(crate) fn push(&mut self, figure: Figure) -> anyhow::Result<()> {
        let line = serde_json::to_string(&figure)?;
        match &mut self.file {
            Some(file) => writeln!(file, "{line}")?,
            None => println!("{line}"),
        }
        self.figures.push(figure);
        Ok(())
    }

    /// What the server is called that is measured.
    pub(crate) fn server(&self) -> &str {
        self.servers.last().map_or("", String::as_str)
    }

    /// The figures of the last server as a Markdown table, beside those of the others and the
    /// goals there are.
    pub(crate) fn table(&self, goals: &[Goal]) -> String {
        let columns = self.servers.len() + 3;
        let servers: Vec<_> = self.servers.iter().rev().map(String::as_str).collect();
        let mut table = format!(
            "| figure | {} | must reach | |\n|{}\n",
            servers.join(" | "),
            "---|".repeat(columns)
        );
        for figure in self.figures.iter().filter(|it| it.server == self.server()) {
            let cells: Vec<_> = servers
                .iter()
                .map(|server| self.cell(server, figure.figure))
                .collect();
            let target = goals.iter().find(|(name, _)| *name == figure.figure);
            let (goal, verdict) = match target {
                Some((_, target)) => (target.text(), target.verdict(figure.value)),
                None => (String::new(), ""),
            };
            let (name, unit, how) = (figure.figure, figure.unit, &figure.how);
            let cells = cells.join(" | ");
            table.push_str(&format!(
                "| {name} ({how}), {unit} | {cells} | {goal} | {verdict} |\n"
            ));
        }
        table
    }

    /// A server's figure, if it was measured.
    fn cell(&self, server: &str, name: &str) -> String {
        let mut figures = self.figures.iter();
        let figure = figures.find(|it| it.server == server && it.figure == name);
        figure.map_or_else(String::new, |figure| {
            let value = number(figure.value);
            match figure.wrong {
                Some(_) => format!("{value}, WRONG ANSWERS"),
                None => value,
            }
        })
    }

    /// The first wrong answer of the last server, if there was any.
    pub(crate) fn wrong(&self) -> Option<String> {
        let mut own = self.figures.iter().filter(|it| it.server == self.server());
        own.find_map(|figure| {
            let wrong = figure.wrong.as_ref()?;
            Some(format!("{}: {wrong}", figure.figure))
        })
    }
}

impl Target {
    fn text(self) -> String {
        match self {
            Self::AtMost(value) => format!("≤ {}", number(value)),
            Self::AtLeast(value) => format!("≥ {}", number(value)),
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        let met = match self {
            Self::AtMost(target) => value <= target,
            Self::AtLeast(target) => value >= target,
        };
        if met { "met" } else { "missed" }
    }
}

/// Three or more digits whole, with separators; less with two decimals.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_show_value_target_and_verdict() {
        let mut report = Report::new(None).unwrap();
        report.begin("other");
        report.add("get_balance", 500.0, "/s", "20 × 20").unwrap();
        report.begin("electrode");
        report
            .add("get_balance", 1_234_567.0, "/s", "20 × 20")
            .unwrap();
        report
            .add("initial build", 2.5, "s", "default cache")
            .unwrap();
        let table = report.table(&REFERENCE_GOALS);
        assert!(
            table.contains("| get_balance (20 × 20), /s | 1,234,567 | 500 | ≥ 200,000 | met |")
        );
        assert!(table.contains("| initial build (default cache), s | 2.50 |  | ≤ 2.00 | missed |"));
        let table = report.table(&[]);
        assert!(table.contains("| initial build (default cache), s | 2.50 |  |  |  |"));
        assert_eq!(report.wrong(), None);
    }
}
