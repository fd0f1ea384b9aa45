/** What a task's run ended with: {@link BackgroundFetch.Result}. */
export type FetchResult = 1 | 2 | 3;

/** Whether the app may work in the background: {@link BackgroundFetch.Status}. */
export type FetchStatus = 1 | 2 | 3;

/** Why now, why not yet, or why stopped. */
export interface Reason {
  /** A word for programs. */
  readonly code: string;
  /** A sentence for people. */
  readonly text: string;
}

/** Which run it is, and why now. */
export interface ExecutionInfo {
  /** Fresh for every run. */
  readonly eventId: string;
  readonly taskName: string;
  /** `active` if the app was already running, `background` if the host started it for this wake. */
  readonly appState: 'active' | 'background';
  /** The wake's number, one for all tasks that run in it. */
  readonly wake: number;
  /** How many runs were due since the last one and did not happen. */
  readonly missed: number;
  readonly reason: Reason;
  /** How long the wake may take from its start, in milliseconds. */
  readonly limitMs: number;
  /** Whether a developer asked for this run, outside the schedule. */
  readonly simulated: boolean;
  /** Aborted some seconds before the wake is ended. */
  readonly signal: AbortSignal;
  /** How long the wake still has, in milliseconds. */
  remainingTime(): number;
}

/** What a task is called with. */
export interface TaskManagerTaskBody {
  /** Empty: a background fetch gets no data. */
  readonly data: Record<string, never>;
  readonly error: null;
  readonly executionInfo: ExecutionInfo;
}

/** A task. Throwing counts as Failed, returning nothing as NoData. */
export type TaskManagerTaskExecutor = (
  body: TaskManagerTaskBody,
) => FetchResult | null | undefined | void | Promise<FetchResult | null | undefined | void>;

/** A task's options: JSON of at most 64 KiB. Members that are `null` are dropped. */
export interface TaskOptions {
  /** The least time between two runs of this task, in seconds. An addition to Expo SDK 32. */
  minimumInterval?: number;
  [member: string]: unknown;
}

/** A registered task. */
export interface TaskManagerTask {
  taskName: string;
  taskType: string;
  options: TaskOptions;
}

/** An error of the host, or of the way to it. */
export interface BgfetchError extends Error {
  /** A documented code, e.g. `E_TASK_NOT_FOUND`, `E_BACKGROUND_FETCH_DISABLED`, `E_NO_HOST`, `E_DISCONNECTED`. */
  readonly code: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export declare const BackgroundFetch: {
  readonly Result: { readonly NoData: 1; readonly NewData: 2; readonly Failed: 3 };
  readonly Status: { readonly Denied: 1; readonly Restricted: 2; readonly Available: 3 };
  readonly BackgroundFetchResult: { readonly NoData: 1; readonly NewData: 2; readonly Failed: 3 };
  readonly BackgroundFetchStatus: { readonly Denied: 1; readonly Restricted: 2; readonly Available: 3 };

  /** Whether the app may work in the background. */
  getStatusAsync(): Promise<FetchStatus>;

  /**
   * Sets the least time between two wakes of the app, in seconds. Until it is set no task runs. Less than the system's
   * smallest means that one.
   */
  setMinimumIntervalAsync(minimumInterval: number): Promise<void>;

  /** Registers a task that is defined; resolves when the registration is durable. */
  registerTaskAsync(taskName: string, options?: TaskOptions): Promise<void>;

  /** Unregisters a background fetch task; rejects with `E_TASK_NOT_FOUND` for an unknown name. */
  unregisterTaskAsync(taskName: string): Promise<void>;
};

export declare const TaskManager: {
  /** Defines a task. Must be called while the entry module is evaluated; a later call is refused on the console. */
  defineTask(taskName: string, task: TaskManagerTaskExecutor): void;
  isTaskDefined(taskName: string): boolean;
  isTaskRegisteredAsync(taskName: string): Promise<boolean>;
  /** `null` if the task is not registered. */
  getTaskOptionsAsync(taskName: string): Promise<TaskOptions | null>;
  /** Sorted by name. */
  getRegisteredTasksAsync(): Promise<TaskManagerTask[]>;
  unregisterTaskAsync(taskName: string): Promise<void>;
  unregisterAllTasksAsync(): Promise<void>;
};

/** What goes beyond the API of Expo SDK 32. */
export declare const bgfetch: {
  /** As `setMinimumIntervalAsync`; resolves to the interval in force, in seconds. */
  setMinimumInterval(minimumInterval: number): Promise<number>;
  /** The status and why it is so. */
  status(): Promise<{ status: FetchStatus; reason: Reason | null }>;
  /** Calls `listener` when the status changes, for as long as the process runs. */
  onStatusChange(
    listener: (change: { status: FetchStatus; reason: Reason | null }) => void,
  ): Promise<{ remove(): void }>;
  /** Tells the host that the user opened the app: a force-quit is lifted. */
  opened(): Promise<void>;
};
