import { chart } from "./chart.ts";
import { paint, type Line } from "./line.ts";
import { stamp } from "./plain-screen.ts";
import type { Sample } from "./sample.ts";
import type { Output, Screen } from "./screen.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\u001b[2K";

interface ActOnScreen {
  readonly slotMs: number;
  readonly samples: Sample[];
  readonly notes: Line[];
  /** Lines that were drawn last, to be drawn over. */
  drawn: number;
  over: boolean;
}

/** A screen whose chart is redrawn while an act goes on, and stays when it is over. */
export function createLiveScreen(output: Output, queueDepth: number): Screen {
  let act: ActOnScreen | null = null;
  let hidden = false;
  const columns = (): number => output.columns ?? 80;
  const print = (line: Line): void => void output.write(`${paint(line, columns())}\n`);

  function draw({ slotMs, samples, notes, drawn, over }: ActOnScreen): number {
    const lines: Line[] = [...chart(samples, { slotMs, queueDepth, over }), [], ...notes];
    const up = drawn === 0 ? "" : `\u001b[${drawn}A`;
    // One write for the whole picture, so that no half of it is ever seen.
    output.write(up + lines.map((line) => `${CLEAR_LINE}${paint(line, columns())}\n`).join(""));
    return lines.length;
  }

  function showCursor(): void {
    if (hidden) output.write(SHOW_CURSOR);
    hidden = false;
  }

  return {
    line: print,
    beginAct(heading, slotMs) {
      output.write(HIDE_CURSOR);
      hidden = true;
      print(heading);
      print([]);
      act = { slotMs, samples: [], notes: [], drawn: 0, over: false };
      // Starting takes a moment, in which nothing happens.
      act.drawn = draw(act);
    },
    sample(sample) {
      if (act === null) return;
      act.samples.push(sample);
      act.drawn = draw(act);
    },
    note(at, text) {
      if (act === null) return;
      act.notes.push([{ text: stamp(at), style: "dim" }, { text }]);
      act.drawn = draw(act);
    },
    endAct() {
      if (act === null) return;
      act.over = true;
      draw(act);
      act = null;
      showCursor();
      print([]);
    },
    close: showCursor,
  };
}
