// Reads SQL on standard input with the grammar of Trino, as dt-sql-parser has it, and prints what it finds wrong, as JSON.

import { readFileSync } from 'node:fs';
import { TrinoSQL } from 'dt-sql-parser';

console.log(JSON.stringify(new TrinoSQL().validate(readFileSync(0, 'utf8'))));
