/** Plays a run back: the curve of its progress with a scrubber, and its chapters. */
import type { KeyboardEvent } from 'react';
import { formatDuration } from '#contract/duration.ts';
import { formatPercent, formatRate } from '../ui/format.ts';
import { GuideText, Icon } from '../ui/icon.tsx';
import { activityText } from '../ui/result-text.ts';
import { addressOfRun, momentOf } from './address.ts';
import { PhaseStrip } from './phase-strip.tsx';
import { chaptersOf, indexAt, lengthOf, type PlaybackMoment, speedOf } from './playback.ts';
import { Progress } from './progress.tsx';
import { type Playback, usePlayback } from './use-playback.ts';

export interface PlaybackCardProps {
  moments: readonly PlaybackMoment[];
  isTrimmed: boolean;
}

export function PlaybackCard({ moments, isTrimmed }: PlaybackCardProps) {
  const playback = usePlayback(moments, momentOf(window.location.search));
  const moment = moments[playback.index];
  // One moment cannot be played: a row that another program wrote once, or all that retention has left.
  if (moment === undefined || moments.length < 2) return isTrimmed ? <Forgotten /> : null;
  return (
    <section className="card playback" aria-labelledby="playback-title">
      <div className="card-head">
        <h2 id="playback-title">Timeline</h2>
        <p className="soft">
          <a
            href={addressOfMoment(moment)}
            aria-label={`${formatDuration(moment.offsetMs)}, link to this moment`}
          >
            {formatDuration(moment.offsetMs)}
          </a>{' '}
          of {formatDuration(lengthOf(moments))}
        </p>
        {isBehindLive(moments, playback) && (
          <button type="button" className="btn btn-small" onClick={() => playback.goTo(moments.length - 1)}>
            Live <Icon name="play" />
          </button>
        )}
      </div>
      {isTrimmed && <p className="soft">The first events of this run are no longer stored.</p>}
      <div className="playback-stage" data-moment={playback.index}>
        <p className="current-step">
          <GuideText text={activityText(moment.log)} />
        </p>
        <Progress log={moment.log} percent={percentOf(moment)} />
        <PhaseStrip log={moment.log} />
      </div>
      <Scrubber moments={moments} playback={playback} />
      <Chapters moments={moments} playback={playback} />
    </section>
  );
}

/** The run goes on while an earlier moment is shown. */
function isBehindLive(moments: readonly PlaybackMoment[], { index }: Playback): boolean {
  return moments.at(-1)?.log.status === 'running' && index < moments.length - 1;
}

function addressOfMoment({ log, cursor }: PlaybackMoment): string {
  return `${addressOfRun(log.organization_id, log.id)}&moment=${cursor}`;
}

function Forgotten() {
  return <p className="soft">The events of this run are no longer stored.</p>;
}

interface PlayedProps {
  moments: readonly PlaybackMoment[];
  playback: Playback;
}

function Scrubber({ moments, playback }: PlayedProps) {
  const { index, isPlaying, toggle, goTo } = playback;
  const length = lengthOf(moments);
  const moment = moments[index];
  const onKey = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    goTo(step(index, moments.length - 1));
  };
  const speed = speedOf(moments);
  return (
    <div className="scrubber">
      <button
        type="button"
        className="btn btn-icon btn-round"
        aria-label={isPlaying ? 'Pause' : 'Play'}
        onClick={toggle}
      >
        <Icon name={isPlaying ? 'halt' : 'play'} />
      </button>
      <div className="scrubber-track">
        <Curve moments={moments} index={index} />
        <input
          type="range"
          aria-label="Moment of the run"
          min={0}
          max={Math.max(1, length)}
          step="any"
          value={moment?.offsetMs ?? 0}
          aria-valuetext={moment && momentWords(moment)}
          onChange={(event) => goTo(indexAt(moments, event.target.valueAsNumber))}
          onKeyDown={onKey}
        />
      </div>
      <p className="soft scrubber-speed">{formatRate(speed)}×</p>
    </div>
  );
}

/** Steps by moment, not by millisecond: each press shows something new. */
const STEPS: Readonly<Record<string, (index: number, last: number) => number>> = {
  ArrowRight: (index) => index + 1,
  ArrowUp: (index) => index + 1,
  ArrowLeft: (index) => index - 1,
  ArrowDown: (index) => index - 1,
  PageUp: (index, last) => index + Math.ceil(last / 10),
  PageDown: (index, last) => index - Math.ceil(last / 10),
  Home: () => 0,
  End: (_index, last) => last,
};

function momentWords(moment: PlaybackMoment): string {
  return `${formatDuration(moment.offsetMs)} in, ${formatPercent(percentOf(moment))}`;
}

/** Progress over time. Flat stretches are waits. */
function Curve({ moments, index }: { moments: readonly PlaybackMoment[]; index: number }) {
  const length = Math.max(1, lengthOf(moments));
  const at = (moment: PlaybackMoment) =>
    `${((moment.offsetMs / length) * 100).toFixed(2)},${(40 - percentOf(moment) * 0.38).toFixed(2)}`;
  const points = moments.map(at).join(' ');
  const passed = moments.slice(0, index + 1);
  const here = ((passed.at(-1)?.offsetMs ?? 0) / length) * 100;
  return (
    <svg
      className="curve"
      viewBox="0 0 100 40"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <polygon points={`0,40 ${passed.map(at).join(' ')} ${here.toFixed(2)},40`} />
      <polyline points={points} />
    </svg>
  );
}

function Chapters({ moments, playback }: PlayedProps) {
  const chapters = chaptersOf(moments);
  const current = chapters.findLast(({ index }) => index <= playback.index);
  return (
    <ol className="chapters shaded" aria-label="Chapters">
      {chapters.map(({ index, words, tone }) => (
        <li key={index} data-tone={tone}>
          <button
            type="button"
            className="chapter"
            aria-current={current?.index === index ? 'step' : undefined}
            onClick={() => playback.goTo(index)}
          >
            <span className="chapter-at">{formatDuration(moments[index]?.offsetMs ?? 0)}</span>
            <span>{words}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function percentOf({ log }: PlaybackMoment): number {
  return log.status === 'completed' ? 100 : Math.min(100, Math.max(0, log.metadata.progress_percent));
}
