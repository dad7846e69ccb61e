import { run } from '@ringback/cli';

export interface Said {
  status: number;
  stdout: string;
  stderr: string;
}

/** One command line of `ringback`, in this process. */
export async function ringback(endpoints: string, ...args: string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const status = await run(['--endpoints', endpoints, ...args], {
    stdout: (text) => void (said.stdout += text),
    stderr: (text) => void (said.stderr += text),
  });
  return { status, ...said };
}
