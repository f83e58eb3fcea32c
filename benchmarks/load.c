/*
 * Load for the benchmarks: clients that connect to a TCP service without pause, or many that stay idle.
 *
 *   load eof  HOST PORT CLIENTS MILLISECONDS   connect, read until the server closes, close
 *   load echo HOST PORT CLIENTS MILLISECONDS   connect, send 16 bytes, read them back, close
 *   load idle HOST PORT CONNECTIONS            connect, exchange one byte, stay until standard input ends
 *
 * eof and echo print "COMPLETED FAILED MICROSECONDS"; idle prints "ready CONNECTIONS" once all are served.
 * Each client is a process with a loopback source address of its own, so that ports in TIME_WAIT never run out.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 16          /* bytes of one echo */
#define PER_ADDRESS 8000    /* connections from one source address; the kernel has about 28,000 ports for each */
#define TIMEOUT 10          /* seconds after which a connection counts as failed */

struct counters { uint64_t completed, failed; char padding[48]; }; /* one cache line each */

static struct sockaddr_in target;

static int64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int connected(unsigned client, unsigned group)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    struct timeval timeout = {.tv_sec = TIMEOUT};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    source.sin_addr.s_addr = htonl(0x7f000000u | (100 + group % 100) << 16 | (client + 1));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) == 0
        && connect(fd, (struct sockaddr *)&target, sizeof target) == 0)
        return fd;
    close(fd);
    return -1;
}

static int read_to_end(int fd)
{
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        ;
    return got == 0;
}

static int echo(int fd, size_t size)
{
    char sent[MESSAGE], got[MESSAGE];
    memset(sent, 'e', sizeof sent);
    return write(fd, sent, size) == (ssize_t)size
        && recv(fd, got, size, MSG_WAITALL) == (ssize_t)size && memcmp(sent, got, size) == 0;
}

static void client(unsigned number, int echoes, int64_t end, struct counters *counters)
{
    unsigned made = 0;
    while (microseconds() < end) {
        int fd = connected(number, made++ / PER_ADDRESS);
        int good = fd >= 0 && (echoes ? echo(fd, MESSAGE) : read_to_end(fd));
        if (fd >= 0)
            close(fd);
        *(good ? &counters->completed : &counters->failed) += 1;
    }
}

static int rate(int echoes, unsigned clients, int64_t duration)
{
    uint64_t completed = 0, failed = 0;
    struct counters *counters = mmap(NULL, clients * sizeof *counters, PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t start = microseconds();

    if (counters == MAP_FAILED)
        return 1;
    for (unsigned number = 0; number < clients; number++) {
        pid_t pid = fork();
        if (pid < 0)
            return 1;
        if (pid == 0) {
            client(number, echoes, start + duration, &counters[number]);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    for (unsigned number = 0; number < clients; number++) {
        completed += counters[number].completed;
        failed += counters[number].failed;
    }
    printf("%llu %llu %lld\n", (unsigned long long)completed, (unsigned long long)failed,
           (long long)(microseconds() - start));
    return 0;
}

static int idle(unsigned connections)
{
    struct rlimit limit = {connections + 64, connections + 64};
    char byte;

    setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned number = 0; number < connections; number++) {
        int fd = connected(0, number / PER_ADDRESS);
        if (fd < 0 || !echo(fd, 1)) {
            fprintf(stderr, "connection %u was not served\n", number + 1);
            return 1;
        }
    }
    printf("ready %u\n", connections);
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 5 || (strcmp(argv[1], "idle") != 0 && argc < 6)) {
        fprintf(stderr, "usage: load eof|echo HOST PORT CLIENTS MILLISECONDS | load idle HOST PORT CONNECTIONS\n");
        return 2;
    }
    target.sin_family = AF_INET;
    target.sin_port = htons((uint16_t)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &target.sin_addr) != 1)
        return 2;
    if (strcmp(argv[1], "idle") == 0)
        return idle((unsigned)atoi(argv[4]));
    return rate(strcmp(argv[1], "echo") == 0, (unsigned)atoi(argv[4]), atoll(argv[5]) * 1000);
}
