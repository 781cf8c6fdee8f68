export interface TaskProgress {
  taskId: string;
  status: "pending" | "running" | "completed" | "failed";
  stage: string;
  /** 0 to 100 */
  progress: number;
  message: string;
  /** seconds */
  estimatedTimeRemaining?: number;
  results?: unknown;
  error?: string;
}

export type Ending = "completed" | "failed" | "unknown" | "refused" | "unreachable";

export interface ProgressState {
  readonly progress: TaskProgress | null;
  readonly error: string | null;
  readonly isConnected: boolean;
  readonly ended: Ending | null;
}

export interface ProgressOptions {
  base?: string;
  withCredentials?: boolean;
  share?: boolean;
  graceMs?: number;
  silenceMs?: number;
  pollMs?: number;
  answerMs?: number;
  retryMs?: number;
  maxRetryMs?: number;
  attempts?: number;
}

export const IDLE: ProgressState;

export class ProgressClient implements ProgressState {
  /** @throws TypeError without a task id */
  constructor(taskId: string, options?: ProgressOptions);
  readonly taskId: string;
  readonly state: ProgressState;
  readonly progress: TaskProgress | null;
  readonly error: string | null;
  readonly isConnected: boolean;
  readonly ended: Ending | null;
  /** Calls the listener now and on every change; returns the function that stops it. */
  subscribe(listener: (state: ProgressState) => void): () => void;
  close(): void;
}
