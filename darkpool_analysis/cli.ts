#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import type { Config, SettingName } from './config.js';
import { DarkpoolError, messageOf } from './errors.js';

/**
 * The commands. The only module that prints for people and sets the exit code: results on stdout, logs on stderr.
 * Everything a command needs is imported when it runs, so that `--help` and small questions answer at once.
 */
const EXIT_USAGE = 2;

/** Flags that stand for a setting, with the setting's name. */
const FLAGS: readonly { flag: string; setting: SettingName; help: string; hidden?: boolean }[] = [
  { flag: '--mode <mode>', setting: 'RUN_MODE', help: 'daily or weekly' },
  { flag: '--date <date>', setting: 'TARGET_DATE', help: 'the last day wanted (YYYY-MM-DD)' },
  { flag: '--weeks <n>', setting: 'BACKFILL_WEEKS', help: 'weeks of the weekly mode' },
  { flag: '--tickers <list>', setting: 'TICKERS', help: 'SPY,TQQQ · @mag7 · ALL' },
  {
    flag: '--inference-version <list>',
    setting: 'INFERENCE_VERSION',
    help: 'direction rules, the first for the summaries',
  },
  { flag: '--data-source <source>', setting: 'DATA_SOURCE', help: 'sample, files or live' },
  { flag: '--data-dir <folder>', setting: 'DATA_DIR', help: 'where the database lives' },
  { flag: '--output-dir <folder>', setting: 'OUTPUT_DIR', help: 'where tables and plots go' },
];

type Values = Record<string, string | boolean | undefined>;

function settingFlags(command: Command, names: readonly SettingName[]): Command {
  for (const { flag, setting, help } of FLAGS) {
    if (names.includes(setting)) command.addOption(new Option(flag, help));
  }
  return command;
}

async function configOf(values: Values): Promise<Config> {
  const { loadConfig } = await import('./config.js');
  const flags: Partial<Record<SettingName, string>> = {};
  for (const { flag, setting } of FLAGS) {
    const name = flag
      .split(' ')[0]
      ?.slice(2)
      .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const value = name === undefined ? undefined : values[name];
    if (typeof value === 'string') flags[setting] = value;
  }
  return loadConfig({ flags });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function isoDay(name: string, value: string | boolean | undefined): Promise<string | undefined> {
  if (typeof value !== 'string') return undefined;
  const { isIsoDate } = await import('./iso_date.js');
  if (!isIsoDate(value)) {
    throw new CommanderError(
      EXIT_USAGE,
      'usage',
      `error: ${name} ${value} is no date: give it as YYYY-MM-DD`,
    );
  }
  return value;
}

function program(): Command {
  const darkpool = new Command('darkpool')
    .description('How much of each US stock trades off exchange, where, and which way it leans.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(darkpool --help shows the commands)');

  const run = darkpool
    .command('run')
    .description('runs the pipeline: fetch, infer, tables, plots, publish')
    .option('--from <date>', 'first day of a range instead of the look-back')
    .option('--to <date>', 'last day of that range')
    .option('--no-plots', 'leaves the plots out')
    .option('--json', 'prints the result as JSON')
    .addHelpText('after', '\nExample:\n  darkpool run --tickers SPY,GME --from 2025-12-01 --to 2025-12-12');
  settingFlags(
    run,
    FLAGS.map(({ setting }) => setting),
  ).action(async (values: Values) => {
    const from = await isoDay('--from', values.from);
    const to = await isoDay('--to', values.to);
    const config = await configOf(values);
    const { createLog } = await import('./log.js');
    const orchestrator = await import('./orchestrator.js');
    const result = await orchestrator.run({
      config,
      log: createLog({ secrets: config.secrets }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      plots: values.plots !== false,
    });
    if (values.json === true) print(JSON.stringify(result, null, 2));
    else print((await import('./cli/run_command.js')).describeRun(result, process.cwd()));
    process.exitCode = result.exitCode;
  });

  const status = darkpool
    .command('status')
    .description('what the database holds, what is missing and when it comes')
    .option('--as-of <date>', 'FINRA weeks as they were published by that day')
    .option('--json', 'prints the result as JSON')
    .addHelpText('after', '\nExample:\n  darkpool status --json');
  settingFlags(status, ['DATA_DIR']).action(async (values: Values) => {
    const config = await configOf(values);
    const { askStatus, describeStatus } = await import('./cli/status_command.js');
    const { DateTime } = await import('luxon');
    const result = await askStatus(config, DateTime.utc(), await isoDay('--as-of', values.asOf));
    print(values.json === true ? JSON.stringify(result, null, 2) : describeStatus(result));
  });

  const nowcast = darkpool
    .command('nowcast')
    .description('how near the tape and Reg SHO were to what FINRA published later')
    .option('--week <monday>', 'one week instead of all')
    .option('--as-of <date>', 'as FINRA had published by that day')
    .option('--json', 'prints the result as JSON')
    .addHelpText('after', '\nExample:\n  darkpool nowcast --week 2025-11-03');
  settingFlags(nowcast, ['DATA_DIR']).action(async (values: Values) => {
    const week = (await isoDay('--week', values.week)) ?? null;
    const config = await configOf(values);
    const { PublishedDatabase } = await import('./db.js');
    const { nowcastError } = await import('./questions/nowcast_error.js');
    const { describeNowcast } = await import('./cli/nowcast_command.js');
    const db = await PublishedDatabase.open(config.DATA_DIR);
    try {
      const day = await isoDay('--as-of', values.asOf);
      if (day !== undefined) await (await import('./questions/as_of.js')).asOf(db, day);
      const result = await nowcastError(db, { week });
      print(values.json === true ? JSON.stringify(result, null, 2) : describeNowcast(result));
    } finally {
      db.close();
    }
  });

  const explain = darkpool
    .command('explain')
    .description('one screen from the raw counts of a day to its summary row')
    .argument('<ticker>', 'SPY')
    .argument('<date>', 'the day (YYYY-MM-DD)')
    .option('--as-of <date>', 'as it was known at the end of that day')
    .option('--sql', 'prints the queries behind the numbers instead, ready to paste into DuckDB')
    .option('--json', 'prints the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  darkpool explain SPY 2025-12-10\n  darkpool explain SPY 2025-12-10 --sql | duckdb -readonly data/darkpool.duckdb',
    );
  settingFlags(explain, ['INFERENCE_VERSION', 'DATA_DIR']).action(
    async (ticker: string, day: string, values: Values) => {
      const date = (await isoDay('DATE', day)) ?? day;
      const config = await configOf(values);
      const asOf = await isoDay('--as-of', values.asOf);
      if (asOf !== undefined && values.sql === true) {
        throw new CommanderError(
          EXIT_USAGE,
          'usage',
          'error: --sql prints queries on what is stored now: leave --as-of out',
        );
      }
      const version = values.inferenceVersion === undefined ? undefined : config.INFERENCE_VERSION[0];
      const { askExplain, describeExplain, describeQueries } = await import('./cli/explain_command.js');
      const { DateTime } = await import('luxon');
      const { explanation, queries } = await askExplain(
        config,
        { ticker, date, version, asOf },
        DateTime.utc(),
      );
      if (values.json === true) print(JSON.stringify(values.sql === true ? queries : explanation, null, 2));
      else print(values.sql === true ? describeQueries(queries) : describeExplain(explanation));
    },
  );
  return darkpool;
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed what it has to say, but for our own words
    if (error.code === 'usage') process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (error instanceof DarkpoolError) {
    process.stderr.write(`darkpool: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(
      `darkpool: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
    );
    process.exitCode = 1;
  }
}
