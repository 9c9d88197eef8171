//! What may be asked: one statement, and only one that reads. The engine could do more; it is not let.

use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as Sql};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::error::QueryError;
use super::place::Place;

const ALLOWED: &str = "ask with SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW: queries only read";
/// How deep a query may be nested.
const DEEPEST: usize = 50;
/// How many operators a query may have. A chain of them is as deep as it is long, and steps of the engine that go down it
/// take of the stack for each: [`STACK_BYTES`](super::STACK_BYTES) are enough for this many.
const MOST_OPERATORS: usize = 500;

/// The one statement of `sql`, which reads and does nothing else.
pub(super) fn parse(sql: &str) -> Result<Statement, datafusion::error::DataFusionError> {
    let refuse = |error: QueryError| datafusion::error::DataFusionError::External(Box::new(error));
    if operators(sql) > MOST_OPERATORS {
        let message = format!("the query has more than {MOST_OPERATORS} operators");
        let hint = "write a long chain of OR as IN (…), and a large query as several".to_owned();
        return Err(refuse(QueryError::Wrong { message, place: None, hint }));
    }
    let parser = DFParserBuilder::new(sql).with_dialect(&GenericDialect {}).with_recursion_limit(DEEPEST);
    let mut statements = parser.build()?.parse_statements()?;
    let Some(statement) = statements.pop_front() else {
        return Err(refuse(wrong("there is no query", None)));
    };
    if !statements.is_empty() {
        let message = format!("there are {} statements, and one is answered", statements.len() + 1);
        return Err(refuse(wrong(&message, None)));
    }
    if reads(&statement) {
        return Ok(statement);
    }
    let text = statement.to_string();
    let verb = text.split_whitespace().next().unwrap_or_default().to_uppercase();
    Err(refuse(wrong(&format!("{verb} is refused"), Place::of(sql, &verb))))
}

/// The plan of a statement, which reads and does nothing else: what the text does not show, the plan does.
pub(super) async fn plan(
    state: &SessionState,
    statement: Statement,
) -> Result<LogicalPlan, datafusion::error::DataFusionError> {
    let plan = state.statement_to_plan(statement).await?;
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    if reading.verify_plan(&plan).is_err() {
        let refused = wrong("a part of the query that does not read is refused", None);
        return Err(datafusion::error::DataFusionError::External(Box::new(refused)));
    }
    Ok(plan)
}

/// How many operators `sql` has, by its words. What is no SQL has none: the parser tells.
fn operators(sql: &str) -> usize {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    let is_operator = |token: &&Token| match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::AT
                | Keyword::COLLATE
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
                | Keyword::JOIN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::EOF => false,
        _ => true,
    };
    tokens.iter().filter(is_operator).count()
}

fn wrong(message: &str, place: Option<Place>) -> QueryError {
    QueryError::Wrong { message: message.to_owned(), place, hint: ALLOWED.to_owned() }
}

fn reads(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => sql_reads(statement),
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}

fn sql_reads(statement: &Sql) -> bool {
    match statement {
        Sql::Query(query) => query_reads(query),
        Sql::Explain { statement, .. } => sql_reads(statement),
        Sql::ExplainTable { .. }
        | Sql::ShowTables { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowFunctions { .. }
        | Sql::ShowVariable { .. } => true,
        _ => false,
    }
}

fn query_reads(query: &Query) -> bool {
    let with = query.with.iter().flat_map(|with| &with.cte_tables);
    with.map(|table| table.query.as_ref()).all(query_reads) && body_reads(&query.body)
}

fn body_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => query_reads(query),
        SetExpr::SetOperation { left, right, .. } => body_reads(left) && body_reads(right),
        SetExpr::Values(_) | SetExpr::Table(_) => true,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    async fn check(sql: &str) -> Result<(), String> {
        let statement = parse(sql).map_err(|error| error.to_string())?;
        let state = SessionContext::new().state();
        plan(&state, statement).await.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_reads_is_answered() {
        for sql in [
            "SELECT 1",
            "select 1;",
            "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
            "(SELECT 1) UNION ALL (SELECT 2)",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 5) SELECT x FROM a",
            "SELECT * FROM generate_series(1, 3)",
        ] {
            assert_eq!(check(sql).await, Ok(()), "{sql}");
        }
    }

    #[tokio::test]
    async fn what_does_anything_else_is_refused() {
        for sql in [
            "CREATE TABLE t (x INT)",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE FUNCTION f(x INT) RETURNS INT RETURN x",
            "CREATE DATABASE d",
            "CREATE SCHEMA s",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "COPY t TO '/tmp/x.parquet'",
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET x = 1",
            "DELETE FROM t",
            "MERGE INTO t USING u ON t.x = u.x WHEN MATCHED THEN DELETE",
            "DROP TABLE t",
            "DROP VIEW v",
            "ALTER TABLE t ADD COLUMN x INT",
            "TRUNCATE TABLE t",
            "SET datafusion.execution.batch_size = 1",
            "SET TIME ZONE 'UTC'",
            "RESET datafusion.execution.batch_size",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "DEALLOCATE p",
            "BEGIN TRANSACTION",
            "COMMIT",
            "EXPLAIN INSERT INTO t VALUES (1)",
            "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
            "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/x.csv'",
            "SELECT 1 INTO t",
            "WITH a AS (INSERT INTO t VALUES (1)) SELECT 1",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "SELECT 1; DROP TABLE t",
            "",
            " -- nothing",
        ] {
            let error = check(sql).await.expect_err(sql);
            let refused = ["refused", "there is no query", "2 statements", "ParserError", "sql parser error"];
            assert!(
                refused.iter().any(|word| error.to_lowercase().contains(&word.to_lowercase())),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn a_chain_without_end_is_refused_and_a_long_one_is_answered() {
        let answer = || {
            let chain =
                |operator: &str, links: usize| format!("SELECT 1{}", format!(" {operator} 1").repeat(links));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for operator in ["OR", "+", "||", "::int +", "= 1 OR", "UNION SELECT"] {
                let error = runtime.block_on(check(&chain(operator, 100_000))).expect_err(operator);
                assert!(error.contains("more than 500 operators"), "{operator}: {error}");
            }
            runtime.block_on(check(&chain("+", 500))).unwrap();
            runtime.block_on(check(&format!("SELECT 1 IN (1{})", ", 1".repeat(20_000)))).unwrap();
        };
        let deep = std::thread::Builder::new().stack_size(crate::query::STACK_BYTES).spawn(answer);
        deep.unwrap().join().unwrap();
    }

    #[tokio::test]
    async fn no_file_and_no_address_is_a_table() {
        for sql in [
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM 'file:///etc/passwd'",
            "SELECT * FROM 's3://bucket/key.parquet'",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_parquet('x')",
            "SELECT * FROM parquet_metadata('x')",
        ] {
            assert!(check(sql).await.is_err(), "{sql}");
        }
    }
}
