variable "name" {
  description = "What everything of this module is called."
  type        = string
}

variable "region" {
  description = "Region of AWS."
  type        = string
}

variable "tags" {
  description = "Tags that everything of this module carries."
  type        = map(string)
  default     = {}
}

variable "bucket" {
  description = "Name of the bucket, which must be unique worldwide."
  type        = string
}

variable "path_style" {
  description = "Whether buckets are addressed by path and not by host name, as emulators of S3 want it."
  type        = bool
  default     = false
}
