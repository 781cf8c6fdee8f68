// A feed with Go's standard library: GET /events tells everybody what POST /publish says.
//
//	go run . PORT
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	kept      = 1000
	heartbeat = 10 * time.Second
)

// A Feed is the newest events. A reader is a position in it: no queue a reader, and a slow one costs nobody anything.
type Feed struct {
	mutex  sync.Mutex
	events [][]byte
	last   int64         // ids count on over restarts, so that none is ever another event's
	more   chan struct{} // closed, and made anew, with every event
}

// Publish tells everybody. JSON is one line, whatever the text.
func (feed *Feed) Publish(text string) {
	data, _ := json.Marshal(map[string]any{"text": text, "at": time.Now().UnixMilli()})
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	feed.last++
	feed.events = append(feed.events, fmt.Appendf(nil, "id: %d\ndata: %s\n\n", feed.last, data))
	if len(feed.events) > kept {
		feed.events = feed.events[1:]
	}
	close(feed.more)
	feed.more = make(chan struct{})
}

// Position is where a reader goes on: strictly after the event it names, or with what happens next.
func (feed *Feed) Position(lastEventID string) int64 {
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	id, err := strconv.ParseInt(lastEventID, 10, 64)
	if err != nil || id > feed.last || id <= feed.last-int64(len(feed.events)) {
		return feed.last
	}
	return id
}

// After returns the events after a position, where that leads to, and what to wait for if there are none.
func (feed *Feed) After(position int64) ([][]byte, int64, chan struct{}) {
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	first := max(0, len(feed.events)-int(feed.last-position))
	return feed.events[first:], feed.last, feed.more
}

func (feed *Feed) stream(response http.ResponseWriter, request *http.Request) {
	header := response.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	header.Set("X-Content-Type-Options", "nosniff")
	if request.Method == http.MethodHead {
		return
	}
	controller := http.NewResponseController(response)
	position := feed.Position(request.Header.Get("Last-Event-ID"))
	fmt.Fprint(response, "retry: 2000\n\n")
	for controller.Flush() == nil {
		events, next, more := feed.After(position)
		position = next
		for _, event := range events {
			response.Write(event)
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-more:
		case <-time.After(heartbeat):
			fmt.Fprint(response, ": keep-alive\n\n")
		case <-request.Context().Done():
			return
		}
	}
}

func (feed *Feed) publish(response http.ResponseWriter, request *http.Request) {
	var said struct{ Text *string }
	body := http.MaxBytesReader(response, request.Body, 64<<10)
	if json.NewDecoder(body).Decode(&said) != nil || said.Text == nil {
		http.Error(response, `JSON like {"text": "..."} is wanted`, http.StatusBadRequest)
		return
	}
	feed.Publish(*said.Text)
	response.WriteHeader(http.StatusAccepted)
}

func main() {
	feed := &Feed{last: time.Now().UnixMilli(), more: make(chan struct{})}
	http.HandleFunc("GET /events", feed.stream)
	http.HandleFunc("POST /publish", feed.publish)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
