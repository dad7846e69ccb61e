import { parseArgs } from 'node:util';
import { LANGUAGES_DIR, Prompts, SOUNDS_DIR } from './prompts.ts';
import { makeSounds } from './sounds/make.ts';
import { soundStates } from './sounds/manifest.ts';
import { espeak } from './sounds/speak.ts';

const USAGE = `Makes the sounds of all languages from their texts: what is missing or stale, never over a recording of your own.
  --check            only say what is missing or stale (status 1 if anything is)
  --languages <dir>  default: the languages of this package
  --sounds <dir>     default: the sounds of this package`;

/** What an operator may want to know about, and what to do. */
const REMARKS: Record<string, string> = {
  missing: 'missing',
  stale: 'stale: its text or voice has changed',
  recording: 'a recording of your own, kept',
  outdated_recording:
    'a recording of your own of an older text, kept: record it again, or delete it and run this again',
  orphan: 'its text is no more',
};

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    languages: { type: 'string', default: LANGUAGES_DIR },
    sounds: { type: 'string', default: SOUNDS_DIR },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const prompts = new Prompts(values.languages);
  for (const id of prompts.languages()) {
    const language = prompts.language(id);
    const states = values.check
      ? soundStates(values.sounds, language)
      : await makeSounds(values.sounds, language, espeak);
    for (const [sound, state] of states) if (REMARKS[state]) console.log(`${id}/${sound}: ${REMARKS[state]}`);
    const todo = [...states.values()].filter((state) => ['missing', 'stale', 'orphan'].includes(state)).length;
    console.log(`${id}: ${states.size} sounds, ${todo} ${values.check ? 'to be made' : 'made'}`);
    if (values.check && todo > 0) process.exitCode = 1;
  }
}

await main();
