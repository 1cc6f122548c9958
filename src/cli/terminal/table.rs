//! Tables: columns as wide as what is in them, and on a terminal no wider together than it is.
//!
//! Rows may come page by page; the heading stands above the first, and columns never get narrower again.

use unicode_width::UnicodeWidthStr;

use super::{Look, Screen, text};

/// Blanks between two columns.
const GAP: &str = "  ";

/// The fewest columns that are left of a text which is cut.
const CUT_MIN: usize = 12;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Column {
    name: &'static str,
    is_number: bool,
    may_be_cut: bool,
    spare: u8,
}

impl Column {
    /// Texts, which are never cut: names and ids must be whole to be of use.
    pub const fn text(name: &'static str) -> Self {
        Self {
            name,
            is_number: false,
            may_be_cut: false,
            spare: 0,
        }
    }

    /// Numbers, which stand on the right.
    pub const fn number(name: &'static str) -> Self {
        Self {
            is_number: true,
            ..Self::text(name)
        }
    }

    /// Texts whose ends may be cut off where the terminal is too narrow.
    pub const fn long(name: &'static str) -> Self {
        Self {
            may_be_cut: true,
            ..Self::text(name)
        }
    }

    /// A column that is left out where the terminal is too narrow; of several, the one with the highest rank first.
    pub const fn spare(self, rank: u8) -> Self {
        Self {
            spare: rank,
            ..self
        }
    }
}

/// One field of a row, fit for a terminal.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Cell {
    text: String,
    look: Look,
}

impl Cell {
    /// A text in the look of its meaning.
    pub fn new(given: impl AsRef<str>, look: Look) -> Self {
        Self {
            text: text::one_line(given.as_ref()).into_owned(),
            look,
        }
    }

    /// A state of a job.
    pub fn state(state: &str) -> Self {
        Self::new(state, Look::of_state(state))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Look::Plain)
    }
}

/// A table under way.
#[derive(Debug)]
pub(in crate::cli) struct Table {
    columns: Vec<Column>,
    widths: Vec<usize>,
    is_left_out: Vec<bool>,
    is_begun: bool,
}

impl Table {
    /// A table with these columns and no row yet.
    pub fn new(columns: &[Column]) -> Self {
        Self {
            widths: columns.iter().map(|column| column.name.width()).collect(),
            columns: columns.to_vec(),
            is_left_out: vec![false; columns.len()],
            is_begun: false,
        }
    }

    /// The lines of the next rows, with the heading above the first.
    pub fn rows(&mut self, screen: &Screen, rows: &[Vec<Cell>]) -> String {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let Some(wanted) = screen.width().filter(|_| !self.is_begun) {
            self.leave_out(wanted);
        }
        let widths = self.fitting(screen.width());
        let mut lines = String::new();
        if !self.is_begun {
            self.is_begun = true;
            let heading = |column: &Column| Cell::new(column.name, Look::Heading);
            let heading: Vec<Cell> = self.columns.iter().map(heading).collect();
            self.line(screen, &widths, &heading, &mut lines);
        }
        for row in rows {
            self.line(screen, &widths, row, &mut lines);
        }
        lines
    }

    /// Leaves spare columns out until the others fit, each as narrow as it may be. Decided once, for the heading.
    fn leave_out(&mut self, wanted: usize) {
        while self.total(&self.least()) > wanted {
            let shown = self.columns.iter().enumerate();
            let shown = shown.filter(|(at, column)| column.spare > 0 && !self.is_left_out[*at]);
            let Some((at, _)) = shown.max_by_key(|(_, column)| column.spare) else {
                return;
            };
            self.is_left_out[at] = true;
        }
    }

    /// The widths of the columns, the long ones made narrower where the terminal asks for it.
    fn fitting(&self, wanted: Option<usize>) -> Vec<usize> {
        let mut widths = self.widths.clone();
        let mut excess = wanted.map_or(0, |wanted| self.total(&widths).saturating_sub(wanted));
        for (width, least) in widths.iter_mut().zip(self.least()).rev() {
            let less = excess.min(*width - least);
            *width -= less;
            excess -= less;
        }
        widths
    }

    /// The widths that are left when all that may be cut is cut.
    fn least(&self) -> Vec<usize> {
        let columns = self.columns.iter().zip(&self.widths);
        let least = columns.map(|(column, &width)| match column.may_be_cut {
            true => CUT_MIN.max(column.name.width()).min(width),
            false => width,
        });
        least.collect()
    }

    /// The columns of the terminal that a line takes.
    fn total(&self, widths: &[usize]) -> usize {
        let shown = widths.iter().zip(&self.is_left_out);
        let shown = shown.filter(|(_, is_left_out)| !**is_left_out);
        let (count, sum) = shown.fold((0, 0), |(count, sum), (width, _)| (count + 1, sum + width));
        sum + GAP.len() * usize::saturating_sub(count, 1)
    }

    fn line(&self, screen: &Screen, widths: &[usize], row: &[Cell], lines: &mut String) {
        let mut line = String::new();
        let mut blanks = 0;
        for (at, cell) in row
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.is_left_out[*at])
        {
            let (column, width) = (&self.columns[at], widths[at]);
            let shown = if column.may_be_cut {
                text::cut(&cell.text, width)
            } else {
                cell.text.as_str().into()
            };
            let room = width.saturating_sub(shown.width());
            // Blanks are written once something follows them: no line ends in any.
            if column.is_number {
                blanks += room;
            }
            line.extend(std::iter::repeat_n(' ', blanks));
            line.push_str(&screen.paint(&shown, cell.look));
            blanks = GAP.len() + if column.is_number { 0 } else { room };
        }
        lines.push_str(line.trim_end_matches(' '));
        lines.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Timestamp;

    const COLUMNS: &[Column] = &[
        Column::text("NAME"),
        Column::number("READY"),
        Column::long("ERROR"),
    ];

    fn terminal(width: usize) -> Screen {
        Screen::plain(width, Timestamp::from_micros(0))
    }

    fn row(name: &str, ready: &str, error: &str) -> Vec<Cell> {
        vec![name.into(), ready.into(), error.into()]
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them_and_no_line_ends_in_blanks() {
        let mut table = Table::new(COLUMNS);
        let rows = [row("日本", "1", "no route"), row("a", "12345678", "")];
        assert_eq!(
            table.rows(&Screen::pipe(), &rows),
            "NAME     READY  ERROR\n日本         1  no route\na     12345678\n"
        );
        // A later page: no heading again, and the columns stay where they were.
        assert_eq!(
            table.rows(&Screen::pipe(), &[row("b", "2", "x")]),
            "b            2  x\n"
        );
    }

    #[test]
    fn the_long_column_is_cut_where_the_terminal_ends_and_only_there() {
        let long = "the mail server answered 450: try again later";
        let rows = [row("mail", "1", long)];
        let narrow = Table::new(COLUMNS).rows(&terminal(40), &rows);
        assert_eq!(narrow.lines().nth(1).map(|line| line.width()), Some(40));
        assert!(narrow.ends_with("…\n"), "{narrow}");
        let least = Table::new(COLUMNS).rows(&terminal(10), &rows);
        assert!(least.ends_with("  the mail se…\n"), "{least}");
        assert!(
            Table::new(COLUMNS)
                .rows(&terminal(80), &rows)
                .contains(long)
        );
        assert!(
            Table::new(COLUMNS)
                .rows(&Screen::pipe(), &rows)
                .contains(long)
        );
    }

    #[test]
    fn spare_columns_go_before_a_line_is_too_long() {
        const SPARE: &[Column] = &[
            Column::text("ID"),
            Column::text("QUEUE").spare(1),
            Column::number("TOOK").spare(2),
            Column::long("ERROR"),
        ];
        let rows = [vec![
            "0190".into(),
            "mail".into(),
            "12ms".into(),
            "no route to host".into(),
        ]];
        let shown = |width| {
            let shown = Table::new(SPARE).rows(&terminal(width), &rows);
            assert!(shown.lines().all(|line| line.width() <= width), "{shown}");
            shown.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(shown(35), "ID    QUEUE  TOOK  ERROR");
        assert_eq!(shown(29), "ID    QUEUE  ERROR");
        assert_eq!(shown(24), "ID    ERROR");
    }

    #[test]
    fn colours_take_no_columns_and_cells_cannot_bring_their_own() {
        let rows = [
            vec![Cell::state("dead"), "1".into(), "x\x1b[31m\ny".into()],
            vec![Cell::state("queued"), "2".into(), "".into()],
        ];
        let shown = Table::new(COLUMNS).rows(&terminal(80).coloured(), &rows);
        assert!(
            shown.contains("\x1b[31mdead\x1b[0m        1  x\\u001b[31m\\ny\n"),
            "{shown:?}"
        );
        assert!(shown.contains("queued      2\n"), "{shown:?}");
        assert_eq!(shown.lines().count(), 3);
    }
}
