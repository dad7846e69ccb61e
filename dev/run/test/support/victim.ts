/**
 * A process to be supervised. Arguments: a file to which it says how it goes, then what it does: `serve` (becomes ready
 * and stays), `fail <code>` (ends at once), `deaf` (ignores SIGTERM), `parent` (has a child in its group and one that is
 * a session of its own but works in the same directory, as PostgreSQL's backends do).
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [, , file = '', what = 'serve', code = '1'] = process.argv;
const note = (line: string): void => appendFileSync(file, `${line}\n`);

if (what === 'fail') {
  process.stdout.write('the reason stands here\n');
  process.exit(Number(code));
}
if (what === 'deaf') process.on('SIGTERM', () => note('deaf'));
if (what === 'parent') {
  const self = process.argv[1]!;
  const member = spawn(process.execPath, [self, file, 'child'], { stdio: 'ignore' });
  const apart = spawn(process.execPath, [self, file, 'child'], { stdio: 'ignore', detached: true });
  note(`children ${member.pid} ${apart.pid}`);
}
note(`${what === 'child' ? 'child' : 'up'} ${process.pid}`);
setInterval(() => {}, 1_000);
