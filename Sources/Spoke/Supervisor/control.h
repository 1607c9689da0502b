#ifndef NAVE_CONTROL_H
#define NAVE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What agent and supervisor say to each other, over a unix socket that keeps packets apart (SOCK_SEQPACKET). All
 * truth is in the files of the session's folder; the socket only carries orders, input and bells, so that a broken
 * connection loses nothing. One agent at a time: the newest connection wins. Numbers are little-endian. */

/* From the agent: eight bytes (order, stream, zeros), then what the order says. */
enum order {
    ORDER_CONSUMED = 1,  /* uint64: bytes of `stream` before it are kept elsewhere */
    ORDER_INPUT = 2,     /* bytes, at most INPUT_BYTES minus those not yet written */
    ORDER_CLOSE_INPUT = 3,
    ORDER_STOP = 4,      /* uint64: milliseconds between interrupt, terminate and kill; once more hastens */
    ORDER_RELEASE = 5,   /* the end was read: the supervisor may go */
};

/* From the supervisor: always sixteen bytes. */
enum bell {
    BELL_HELLO = 1,    /* number: the leader's pid; value: input bytes received so far */
    BELL_SIZE = 2,     /* value: bytes in the file of `stream` */
    BELL_INPUT = 3,    /* value: input bytes that are in the pipe; number: 1 once it is closed */
    BELL_REFUSED = 4,  /* stream: a refusal; number: an errno. Nothing was started */
};

struct bell_packet {
    uint8_t bell, stream;
    uint16_t zero;
    uint32_t number;
    uint64_t value;
};

enum stream { STREAM_EVENTS = 0, STREAM_OUTPUT = 1, STREAM_ERRORS = 2, STREAM_COUNT = 3 };

enum refusal {
    REFUSED_RUNNING = 1,  /* another supervisor holds the folder */
    REFUSED_STARTED = 2,  /* the session was started once already */
    REFUSED_FOLDER = 3,   /* the folder or the spec cannot be used */
};

struct control {
    int listener;
    int agent;  /* -1 while nobody is connected */
};

/* One order as received. */
struct message {
    enum order order;
    uint8_t stream;
    uint64_t number;
    const char *bytes;
    size_t length;
};

/* Listens on `control` in the current directory: the name is relative because a socket's path may have 107 bytes
 * only. Returns 0 or an errno. */
int control_open(struct control *control);

/* Takes a waiting connection in place of the one there is. Returns whether there was one. */
bool control_accept(struct control *control);

enum received { RECEIVED_NOTHING, RECEIVED_MESSAGE, RECEIVED_END };

/* Receives one order without waiting. END: the agent is gone or does not keep to the protocol, and is disconnected. */
enum received control_receive(struct control *control, struct message *message);

/* Sends one packet. False if the socket is full: ring again later. */
bool control_ring(struct control *control, enum bell bell, uint8_t stream, uint32_t number, uint64_t value);

/* Lets the agent go. */
void control_drop(struct control *control);

#endif
