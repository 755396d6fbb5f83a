import { useEffect, useState } from "preact/hooks";
import type { Job, JobMessage } from "../job/job.ts";
import { runJob } from "../run-job.ts";

/** What a job said of the kind that is asked for, while the page shows it; `job` undefined: there is nothing to do yet. */
export function useAnswer<Kind extends JobMessage["kind"]>(job: Job | undefined, kind: Kind) {
  const [answer, setAnswer] = useState<Extract<JobMessage, { kind: Kind }>>();
  const [failure, setFailure] = useState<string>();
  const [isWorking, setWorking] = useState(false);
  useEffect(() => {
    setAnswer(undefined);
    setFailure(undefined);
    setWorking(job !== undefined);
    if (job === undefined) return undefined;
    return runJob(job, (message) => {
      if (message.kind === kind) setAnswer(message as Extract<JobMessage, { kind: Kind }>);
      if (message.kind === "failed") setFailure(message.message);
      if (message.kind === "failed" || message.kind === "done") setWorking(false);
    });
  }, [job]);
  return { answer, failure, isWorking };
}
