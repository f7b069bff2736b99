// Package models has types of the original's shape: their names are part of error messages.
package models

// Error is one of the errors of a stat.
type Error struct {
	ErrorCode string `json:"error_code"`
	Message   string `json:"message"`
	Count     int    `json:"count"`
}

// Stats is a posted stat. Nothing is left out when it is written, so that every value shows.
type Stats struct {
	ID               string  `json:"-"`
	Region           string  `json:"region"`
	Orchestrator     string  `json:"orchestrator"`
	SegmentsSent     int     `json:"segments_sent"`
	SegmentsReceived int     `json:"segments_received"`
	SuccessRate      float64 `json:"success_rate"`
	SegDuration      float64 `json:"seg_duration"`
	UploadTime       float64 `json:"upload_time"`
	DownloadTime     float64 `json:"download_time"`
	TranscodeTime    float64 `json:"transcode_time"`
	RoundTripTime    float64 `json:"round_trip_time"`
	Errors           []Error `json:"errors"`
	Timestamp        int64   `json:"timestamp"`
	Model            string  `json:"model"`
	ModelIsWarm      bool    `json:"model_is_warm"`
	Pipeline         string  `json:"pipeline"`
	InputParameters  string  `json:"input_parameters"`
	ResponsePayload  string  `json:"response_payload"`
}
