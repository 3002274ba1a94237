/** An observer reads an engine view on sessions of its own while the migration runs, and concludes nothing. */
import type { Engine, RoleTargets } from '../engines/engine.ts';
import type { Server } from '../provisioners/provisioner.ts';
import type { Recorder } from '../recording/recorder.ts';

export interface ObserveRequest {
  readonly engine: Engine;
  readonly server: Server;
  readonly roles: RoleTargets;
  readonly recorder: Recorder;
}

export interface Observer {
  readonly name: string;
  /** Opens its sessions and begins to read; the last facts reach the recorder when it is disposed of. */
  start(request: ObserveRequest): Promise<AsyncDisposable>;
}
