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

variable "cidr" {
  description = "Address range of the whole network."
  type        = string

  validation {
    condition     = can(cidrsubnet(var.cidr, 8, 0))
    error_message = "The range must be a CIDR block with room for /8 more, such as 10.20.0.0/16."
  }
}

variable "zones" {
  description = "Availability zones that get a private subnet each, as letters: a, b."
  type        = list(string)
  default     = ["a", "b"]
}
