//! Conditions on partition columns, decided from keys alone: which days could hold something, and which objects do.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, BooleanArray, Date32Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode as _;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::scalar::ScalarValue;

use super::listing::Part;
use super::source::DAY;
use crate::base::Date;

/// The days among which those that a condition allows are looked for, counted from 1970: up to the end of 2199. No cloud
/// had prices before, and no condition is asked about the days after.
const DAYS: i32 = 84_006;

/// Whether `condition` is decided by `columns` alone, now and for good.
pub(super) fn decides(columns: &Fields, condition: &Expr) -> bool {
    let names = condition.column_refs();
    let is_foreign = |expr: &Expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::Placeholder(_)
                | Expr::ScalarVariable(..)
        )
    };
    !names.is_empty()
        && names.iter().all(|column| columns.find(column.name()).is_some())
        && !condition.is_volatile()
        && !condition.exists(|expr| Ok(is_foreign(expr))).unwrap_or(true)
}

/// What the conditions of a scan leave.
#[derive(Debug)]
pub(super) struct Pruning {
    schema: SchemaRef,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    of_days: Vec<Arc<dyn PhysicalExpr>>,
}

impl Pruning {
    /// Those of `conditions` that are decided by `columns`; the others leave everything.
    pub(super) fn new(session: &dyn Session, columns: &Fields, conditions: &[Expr]) -> Result<Self> {
        let day = day_only();
        let compile = |columns: &Fields| -> Result<Vec<Arc<dyn PhysicalExpr>>> {
            let schema = DFSchema::try_from(Schema::new(columns.clone()))?;
            let decided = conditions.iter().filter(|condition| decides(columns, condition));
            decided.map(|condition| session.create_physical_expr(condition.clone(), &schema)).collect()
        };
        let has_days = columns.find(DAY).is_some();
        Ok(Self {
            schema: Arc::new(Schema::new(columns.clone())),
            conditions: compile(columns)?,
            of_days: if has_days { compile(&day)? } else { Vec::new() },
        })
    }

    /// The days that can hold something, if they are at most so many.
    pub(super) fn days(&self, most: usize) -> Result<Option<Vec<Date>>> {
        if self.of_days.is_empty() {
            return Ok(None);
        }
        let days: ArrayRef = Arc::new(Date32Array::from_iter_values(0..DAYS));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(day_only())), vec![days])?;
        let kept = evaluate(&self.of_days, &batch)?;
        if kept.iter().filter(|kept| **kept).count() > most {
            return Ok(None);
        }
        let kept = kept.iter().enumerate().filter(|(_, kept)| **kept);
        let start = chrono::DateTime::UNIX_EPOCH.date_naive();
        Ok(Some(kept.filter_map(|(day, _)| start.checked_add_days(chrono::Days::new(day as u64))).collect()))
    }

    /// Whether each of `parts` can hold something.
    pub(super) fn keep(&self, parts: &[Part]) -> Result<Vec<bool>> {
        if self.conditions.is_empty() || parts.is_empty() {
            return Ok(vec![true; parts.len()]);
        }
        let column = |index: usize| {
            ScalarValue::iter_to_array(parts.iter().filter_map(|part| part.values.get(index).cloned()))
        };
        let columns = (0..self.schema.fields().len()).map(column).collect::<Result<Vec<_>>>()?;
        evaluate(&self.conditions, &RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn day_only() -> Fields {
    Fields::from(vec![Field::new(DAY, DataType::Date32, false)])
}

/// Where all of `conditions` are true.
fn evaluate(conditions: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<bool>> {
    let mut kept = vec![true; batch.num_rows()];
    for condition in conditions {
        let answers = condition.evaluate(batch)?.into_array(batch.num_rows())?;
        let answers: &BooleanArray = answers.as_boolean();
        for (kept, answer) in kept.iter_mut().zip(answers) {
            *kept &= answer == Some(true);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use datafusion::functions::expr_fn::{now, random};
    use datafusion::logical_expr::{cast, col, lit};
    use datafusion::prelude::SessionContext;

    use super::*;

    fn columns() -> Fields {
        Fields::from(vec![
            Field::new(DAY, DataType::Date32, false),
            Field::new("region", DataType::Utf8, false),
        ])
    }

    fn date(text: &str) -> Expr {
        cast(lit(text), DataType::Date32)
    }

    fn days(conditions: &[Expr]) -> Option<Vec<String>> {
        let session = SessionContext::new().state();
        let pruning = Pruning::new(&session, &columns(), conditions).unwrap();
        let days = pruning.days(3).unwrap()?;
        Some(days.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn few_days_are_found_whatever_the_condition() {
        let is = |condition: Expr, expected: &[&str]| {
            assert_eq!(days(std::slice::from_ref(&condition)).unwrap(), expected, "{condition}");
        };
        is(col(DAY).eq(date("2026-11-21")), &["2026-11-21"]);
        is(col(DAY).between(date("2026-02-28"), date("2026-03-01")), &["2026-02-28", "2026-03-01"]);
        is(
            col(DAY).in_list(vec![date("2026-11-21"), date("2020-02-29")], false),
            &["2020-02-29", "2026-11-21"],
        );
        is(
            col(DAY).eq(date("2026-11-21")).or(col(DAY).eq(date("2026-11-23"))),
            &["2026-11-21", "2026-11-23"],
        );
        is(cast(col(DAY), DataType::Utf8).eq(lit("1970-01-01")), &["1970-01-01"]);
        is(col(DAY).gt(date("2199-12-30")), &["2199-12-31"]);
        is(col(DAY).eq(date("2026-11-21")).and(lit(false)), &[]);
        is(lit(ScalarValue::Boolean(None)).and(col(DAY).gt(date("2000-01-01"))), &[]);
    }

    #[test]
    fn what_says_nothing_of_days_leaves_all_of_them() {
        assert_eq!(days(&[]), None);
        assert_eq!(days(&[col(DAY).gt(date("2026-01-01"))]), None);
        assert_eq!(days(&[col("region").eq(lit("us-east-1"))]), None);
        assert_eq!(days(&[col(DAY).eq(date("2026-11-21")).or(col("region").eq(lit("x")))]), None);
    }

    #[test]
    fn only_what_keys_decide_for_good_is_decided_by_them() {
        let columns = columns();
        assert!(decides(&columns, &col(DAY).eq(date("2026-11-21"))));
        assert!(decides(&columns, &cast(col(DAY), DataType::Utf8).lt(cast(now(), DataType::Utf8))));
        assert!(!decides(&columns, &col("unit_price").gt(lit(1))));
        assert!(!decides(&columns, &col(DAY).eq(col("effective_from"))));
        assert!(!decides(&columns, &col(DAY).is_not_null().and(random().lt(lit(0.5)))));
        assert!(!decides(&columns, &lit(true)));
    }
}
