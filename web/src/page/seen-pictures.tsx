import { useEffect, useState } from "preact/hooks";
import type { ModelFiles, PictureSettings, Seen } from "../job/job.ts";
import { runJob } from "../run-job.ts";
import { useUrl } from "./use-url.ts";

/** What is waited for after a change, in milliseconds: someone may still be typing. */
const PAUSE = 300;

/** Shows what the network will see of the examples. */
export function SeenPictures(props: {
  readonly files: ModelFiles;
  readonly examples: readonly File[];
  readonly pictures: PictureSettings;
}) {
  const { files, examples, pictures } = props;
  const [seen, setSeen] = useState<Seen>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let end: (() => void) | undefined;
    const timer = setTimeout(() => {
      end = runJob({ kind: "preview", files, examples, pictures }, (message) => {
        if (message.kind === "seen") setSeen(message.seen);
        if (message.kind === "failed") setSeen(undefined);
        setFailure(message.kind === "failed" ? message.message : undefined);
      });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      end?.();
    };
  }, [files, examples, JSON.stringify(pictures)]);
  const url = useUrl(seen?.picture);
  if (failure !== undefined) return <p role="alert">{failure}</p>;
  if (seen === undefined) return <p class="quiet">Looking at the examples …</p>;
  const [least, most] = seen.range;
  return (
    <figure>
      {url && <img src={url} alt="The first examples as the network sees them" />}
      <figcaption>
        {seen.examples} examples; the network sees numbers from {least.toPrecision(3)} to {most.toPrecision(3)}
        {least === most && " — all are equal: check mean and scale"}
      </figcaption>
    </figure>
  );
}
