//! How prices went, for people: a small chart of each spot pool, and the changes of list prices.

use std::fmt::Write as _;

use crate::ask::{Day, History, Kind, ListChange, Pool, Question};
use crate::base::Price;
use crate::base::units::counted;
use crate::cli::table::Table;

/// From the lowest price of a pool to its highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing is known.
const UNKNOWN: char = '·';
/// The room that the columns beside the chart take.
const BESIDE: usize = 64;
/// The room where no terminal says how wide it is.
pub(super) const USUAL_WIDTH: usize = 100;
/// How many changes of list prices are shown.
const CHANGES: usize = 20;

/// The whole text; `pools` is how many there are, of which the history may have fewer.
pub(super) fn render(history: &History, question: &Question, pools: usize, width: usize) -> String {
    let mut text = String::new();
    let bounds = history.days.first().zip(history.days.last());
    let days = bounds.map(|(first, last)| format!("{first} to {last}")).unwrap_or_default();
    let (machine, system) = (&question.instance_type, &question.operating_system);
    let _ = writeln!(
        text,
        "{machine}, {system}: spot prices of an hour, {days}, {UNKNOWN} where nothing is known\n"
    );
    let room = width.saturating_sub(BESIDE).clamp(10, history.days.len().max(10));
    let rows = history.pools.iter().map(|pool| row(pool, room)).collect();
    let headings = ["region", "zone", "", "mean price of each day", "lowest", "last", "highest"];
    text.push_str(&Table { headings, numbers: 4, rows }.render(""));
    if history.pools.is_empty() {
        text.push_str("no spot prices are known\n");
    }
    if pools > history.pools.len() {
        let more = counted(pools - history.pools.len(), "more pool");
        let _ = writeln!(text, "… and {more}: --limit {pools} shows them all");
    }
    text.push_str(&changes(&history.changes));
    text
}

fn row(pool: &Pool, room: usize) -> [String; 7] {
    let bounds = pool.bounds();
    let price = |price: Option<Price>| price.map_or_else(|| "unknown".to_owned(), |price| price.to_string());
    [
        pool.region.clone(),
        pool.zone_id.clone().or_else(|| pool.zone.clone()).unwrap_or_default(),
        pool.currency.clone(),
        line(&pool.days, room),
        price(bounds.map(|(lowest, _)| lowest)),
        price(pool.last().map(|day| day.mean)),
        price(bounds.map(|(_, highest)| highest)),
    ]
}

/// A bar for each day, or for several days each where there is no room for all of them.
fn line(days: &[Option<Day>], room: usize) -> String {
    let together = days.len().div_ceil(room.max(1)).max(1);
    let means: Vec<Option<Price>> = days.chunks(together).map(mean).collect();
    let known = means.iter().flatten().copied();
    let Some((lowest, highest)) = known.clone().min().zip(known.max()) else {
        return UNKNOWN.to_string().repeat(means.len());
    };
    means.into_iter().map(|mean| mean.map_or(UNKNOWN, |mean| bar(mean, lowest, highest))).collect()
}

fn mean(days: &[Option<Day>]) -> Option<Price> {
    let mut known = days.iter().flatten().map(|day| day.mean);
    let first = known.next()?;
    let (sum, count) = known.try_fold((first, 1), |(sum, count), mean| Some((sum.plus(mean)?, count + 1)))?;
    sum.shared_among(count)
}

fn bar(price: Price, lowest: Price, highest: Price) -> char {
    let (above, span) = (price.units() - lowest.units(), highest.units() - lowest.units());
    // A price that stays where it is, is neither low nor high.
    let steps = BARS.len() as i128 - 1;
    let step = if span == 0 { 3 } else { (above * steps + span / 2) / span };
    usize::try_from(step).ok().and_then(|step| BARS.get(step)).copied().unwrap_or(UNKNOWN)
}

fn changes(changes: &[ListChange]) -> String {
    let on_demand: Vec<&ListChange> = changes.iter().filter(|change| change.kind == Kind::OnDemand).collect();
    let others = changes.len() - on_demand.len();
    let mut text = String::new();
    text.push_str(if on_demand.is_empty() {
        "\nPrice on demand: no change was told\n"
    } else {
        "\nPrice on demand\n"
    });
    let rows = on_demand.iter().rev().take(CHANGES).rev().map(|change| {
        [
            change.told_at.format("%Y-%m-%d").to_string(),
            change.region.clone(),
            change.change.clone(),
            change.currency.clone(),
            change.hourly.map_or_else(|| "unknown".to_owned(), |price| price.to_string()),
        ]
    });
    let rows: Vec<[String; 5]> = rows.collect();
    if !rows.is_empty() {
        text.push_str(
            &Table { headings: ["told", "region", "change", "", "an hour"], numbers: 4, rows }.render("  "),
        );
    }
    if on_demand.len() > CHANGES {
        let _ = writeln!(text, "  … the last {CHANGES} of {}", counted(on_demand.len(), "change"));
    }
    if others > 0 {
        let _ = writeln!(text, "{} of other terms: --format json has them", counted(others, "change"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(mean: &str) -> Option<Day> {
        let mean = Price::read(mean)?;
        Some(Day { min: mean, max: mean, mean, known_seconds: 86_400, changes: 0 })
    }

    #[test]
    fn a_chart_goes_from_the_lowest_to_the_highest_and_shows_gaps() {
        let days = [day("1"), day("2"), None, day("8"), day("4.5")];
        assert_eq!(line(&days, 10), "▁▂·█▅");
        assert_eq!(line(&days, 3), "▁█▄", "two days share a bar; a day that is not known has no part in it");
        assert_eq!(line(&[day("1"), day("1")], 10), "▄▄");
        assert_eq!(line(&[None, None], 10), "··");
    }
}
