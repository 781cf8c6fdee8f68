/* The least that a reader of event streams can do: epoll, recv, and counting blank lines.

   reader PORT STREAMS SECONDS: prints CPU microseconds per event, once all streams have had one. */
#define _GNU_SOURCE /* memmem */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char request[] = "GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n";

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **words) {
    if (count != 4) return 2;
    int streams = atoi(words[2]), poll = epoll_create1(0);
    double seconds = atof(words[3]), began_s = 0, cpu = 0;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int number = 0; number < streams; number++) {
        int one = socket(AF_INET, SOCK_STREAM, 0);
        if (one < 0 || connect(one, (struct sockaddr *)&server, sizeof server)) return 1;
        if (write(one, request, sizeof request - 1) < 0) return 1;
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = one};
        epoll_ctl(poll, EPOLL_CTL_ADD, one, &wanted);
    }
    long events = 0, before = 0;
    char data[16384];
    struct epoll_event ready[1024];
    while (!began_s || now_s() < began_s + seconds) {
        int many = epoll_wait(poll, ready, 1024, 1000);
        for (int at = 0; at < many; at++) {
            ssize_t size = recv(ready[at].data.fd, data, sizeof data, 0);
            if (size <= 0) return 1;
            for (char *line = data; (line = memmem(line, data + size - line, "\n\n", 2)); line += 2) events++;
        }
        if (!began_s && events >= 2L * streams) { /* a greeting and an event on each */
            began_s = now_s();
            cpu = cpu_s();
            before = events;
        }
    }
    printf("%f\n", (cpu_s() - cpu) / (events - before) * 1e6);
    return 0;
}
