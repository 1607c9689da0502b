#ifndef NAVE_LIMITS_H
#define NAVE_LIMITS_H

/* Every number that bounds something here, with its reason. Times are milliseconds, sizes are bytes. */

/* One read of a pipe: large enough that a flooding process costs few system calls, small enough to stay resident. */
#define READ_BYTES (128 << 10)
/* What one pipe may be read in one turn of the loop, so that a stop is never kept waiting by a flood. */
#define TURN_BYTES (1 << 20)
/* The kernel's buffer per pipe: fewer wake-ups than with the usual 64 KiB. Refusal is harmless. */
#define PIPE_BYTES (256 << 10)
/* At the end of a session a pipe may be emptied past its backlog limit by this much; more than the pipe can hold. */
#define DRAIN_BYTES (1 << 20)
/* Consumed output is given back to the file system in steps of at least this much. */
#define PUNCH_BYTES (1 << 20)
/* The least that a file system can give back. */
#define PAGE_BYTES 4096
/* Input that the agent may have on its way into the process; also the largest packet that it may send. */
#define INPUT_BYTES (64 << 10)
/* The whole spec: Linux itself takes 2 MiB of arguments and environment. */
#define SPEC_BYTES (4 << 20)
/* Processes that are named in the proof of an ending; more are counted. */
#define NAMED_PROCESSES 256
/* A process's command line in the proof. */
#define COMMAND_BYTES 160
/* Bells for output: one at once, then one per interval. */
#define BELL_INTERVAL_MS 5
/* Output stops before the disk is full by this much: the agent's journal needs more than its ballast and one
 * write-ahead log to take output over and so make room again. */
#define DISK_RESERVE_BYTES (16 << 20)
/* On a disk so small that this would be much of it, one part in so many. */
#define DISK_RESERVE_SHARE 6
/* Between attempts to write to a disk that is full. */
#define DISK_RETRY_MS 200
/* Killed processes may take this long to disappear before they are reported as remaining. */
#define KILL_WAIT_MS 5000
/* After its end the supervisor waits this long for the agent to say that it has read it. */
#define LINGER_MS 5000
/* When the machine's own shutdown asks the supervisor to go, the session gets this long per step. */
#define SHUTDOWN_GRACE_MS 2000

#endif
